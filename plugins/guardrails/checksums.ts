/** The check digit of payment cards (ISO/IEC 7812-1, annex B). @param digits nothing but digits. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = index % 2 === 0 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** The remainder of 97 (ISO 13616): an account number whose first four characters are put at the end, letters as numbers from 10. */
export function passesIban(text: string): boolean {
  const account = text.replace(/[\s-]/g, "").toUpperCase();
  if (account.length < 15 || account.length > 34) return false;
  let rest = 0;
  for (const character of account.slice(4) + account.slice(0, 4)) {
    for (const digit of String(parseInt(character, 36))) rest = (rest * 10 + Number(digit)) % 97;
  }
  return rest === 1;
}

/** A number of the social security of the United States that has been or can be given out (SSA, "SSN Randomization"). */
export function isSocialSecurityNumber(text: string): boolean {
  const [area = "", group = "", serial = ""] = text.split(/[\s-]/);
  return area !== "000" && area !== "666" && !area.startsWith("9") && group !== "00" && serial !== "0000";
}

export function isAddress(text: string): boolean {
  return text.split(".").every((part) => Number(part) <= 255 && String(Number(part)) === part);
}
