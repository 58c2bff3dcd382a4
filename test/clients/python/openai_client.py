"""The official Python client of OpenAI's protocol."""

import asyncio

import openai
from pydantic import BaseModel

from report import BACKEND, CITY_SCHEMA, KEY, ORIGIN, PICTURE, QUESTION, WEATHER, main, parsed

BASE_URL = f"{ORIGIN}/v1"
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": CITY_SCHEMA}}]


class Report(BaseModel):
    city: str
    degrees: float


def connect(**options):
    return openai.OpenAI(**{"base_url": BASE_URL, "api_key": KEY, "max_retries": 0, "timeout": 10, **options})


def connect_async():
    return openai.AsyncOpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0, timeout=10)


def ask(content=QUESTION):
    return [{"role": "user", "content": content}]


def whole(model, **more):
    return connect().chat.completions.create(**{"model": model, "messages": ask(), **more})


def helped(model, **more):
    with connect().chat.completions.stream(**{"model": model, "messages": ask(), **more}) as stream:
        return stream.get_final_completion()


def answer(completion):
    choice = completion.choices[0]
    return {"text": choice.message.content, "finish": choice.finish_reason}


def counts(usage):
    return {
        "input": usage.prompt_tokens,
        "output": usage.completion_tokens,
        "cached": usage.prompt_tokens_details.cached_tokens,
    }


def stream():
    seen = {"text": "", "finish": None, "pieces": 0}
    for piece in whole("cloud/greeting", stream=True):
        choice = piece.choices[0]
        if choice.delta.content:
            seen["text"] += choice.delta.content
            seen["pieces"] += 1
        seen["finish"] = choice.finish_reason or seen["finish"]
    return seen


def two_turns(model, turn):
    first = turn(model, tools=TOOLS).choices[0]
    calls = first.message.tool_calls
    results = [
        {
            "role": "tool",
            "tool_call_id": call.id,
            "content": WEATHER[parsed(call.function.arguments)["city"]],
        }
        for call in calls
    ]
    # The helper's own fields are not the protocol's.
    said = first.message.model_dump(
        exclude_none=True, exclude={"parsed": True, "tool_calls": {"__all__": {"function": {"parsed_arguments"}}}}
    )
    second = turn(model, tools=TOOLS, messages=[*ask(), said, *results])
    return {
        "calls": [
            {"name": call.function.name, "arguments": parsed(call.function.arguments)} for call in calls
        ],
        "finish": first.finish_reason,
        "answer": second.choices[0].message.content,
    }


def structured_output():
    completion = connect().chat.completions.parse(
        model="cloud/structured", messages=ask(), response_format=Report
    )
    return {"value": completion.choices[0].message.parsed.model_dump()}


def image_input():
    url = f"data:image/png;base64,{PICTURE}"
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    return {"text": answer(whole("cloud/picture", messages=ask(parts)))["text"]}


def usage_streamed():
    return counts(helped("cloud/counted", stream_options={"include_usage": True}).usage)


def reasoning():
    message = whole("cloud/thinker").choices[0].message
    return {"reasoning": message.reasoning_content, "text": message.content}


def reasoning_streamed():
    seen = {"reasoning": "", "text": ""}
    for piece in whole("cloud/thinker", stream=True):
        delta = piece.choices[0].delta
        seen["reasoning"] += getattr(delta, "reasoning_content", None) or ""
        seen["text"] += delta.content or ""
    return seen


def embeddings():
    data = connect().embeddings.create(model="cloud/embedder", input=["a", "b"]).data
    return {"vectors": [one.embedding for one in data]}


def models():
    return {"listed": sorted(model.id for model in connect().models.list() if model.id.startswith("cloud/"))}


def request_id():
    seen = {"ofAnswer": (whole("cloud/greeting")._request_id or "").startswith("req_"), "ofFailure": False}
    try:
        whole("nowhere/model")
    except openai.APIStatusError as error:
        seen["ofFailure"] = (error.request_id or "").startswith("req_")
    return seen


def refusal(kind, request):
    try:
        request()
        return {"status": 200}
    except openai.APIStatusError as error:
        return {"status": error.status_code, "ofItsClass": isinstance(error, kind), "message": error.message}


def refused(model, kind, **more):
    return lambda: refusal(kind, lambda: whole(model, **more))


def unauthorised():
    client = connect(api_key="wrong")
    return refusal(
        openai.AuthenticationError,
        lambda: client.chat.completions.create(model="cloud/greeting", messages=ask()),
    )


def fails_in_the_middle(model):
    text = ""
    try:
        for piece in whole(model, stream=True):
            text += piece.choices[0].delta.content or ""
        return {"text": text, "failed": False}
    except openai.APIError:
        return {"text": text, "failed": True}


async def until_called(model):
    async with openai.AsyncOpenAI(base_url=BACKEND, api_key="none", timeout=10) as backend:
        await backend.chat.completions.create(model="until-called", messages=ask(model))


async def leave_waiting():
    async with connect_async() as client:
        request = asyncio.create_task(client.chat.completions.create(model="cloud/hang", messages=ask()))
        await until_called("hang")
        request.cancel()
        try:
            await request
            return {"left": False}
        except asyncio.CancelledError:
            return {"left": True}


def leave_stream():
    pieces = whole("cloud/hang-mid-stream", stream=True)
    for piece in pieces:
        if piece.choices[0].delta.content:
            pieces.close()
            return {"left": True}


def no_retry():
    try:
        connect(max_retries=2).chat.completions.create(model="stubborn", messages=ask())
    except openai.APIStatusError as error:
        return {"status": error.status_code}


def retry():
    client = connect(max_retries=2)
    completion = client.chat.completions.create(model="cloud/limited-once", messages=ask())
    return {"text": answer(completion)["text"]}


CHECKS = {
    "chat": lambda: answer(whole("cloud/greeting")),
    "text of many scripts": lambda: answer(helped("cloud/polyglot")),
    "stream": stream,
    "tools over two turns": lambda: two_turns("cloud/weather", whole),
    "parallel tools": lambda: two_turns("cloud/weather-of-two", whole),
    "parallel tools, streamed": lambda: two_turns("cloud/weather-of-two", helped),
    "structured output": structured_output,
    "image input": image_input,
    "usage": lambda: counts(whole("cloud/counted").usage),
    "usage, streamed": usage_streamed,
    "reasoning": reasoning,
    "reasoning, streamed": reasoning_streamed,
    "embeddings": embeddings,
    "models": models,
    "counting tokens": "OpenAI's chat protocol has no endpoint that counts tokens",
    "request id": request_id,
    "error 400": refused("cloud/error-400", openai.BadRequestError),
    "error 401": unauthorised,
    "error 404": refused("nowhere/model", openai.NotFoundError),
    "error 429": refused("cloud/error-429", openai.RateLimitError),
    "error 500": refused("cloud/error-500", openai.InternalServerError),
    "error 503": refused("cloud/error-503", openai.InternalServerError),
    "error before a stream": refused("cloud/error-first", openai.InternalServerError, stream=True),
    "error in the middle of a stream": lambda: fails_in_the_middle("cloud/error-mid-stream"),
    "connection cut in the middle of a stream": lambda: fails_in_the_middle("cloud/cut"),
    "leaving while it waits": lambda: asyncio.run(leave_waiting()),
    "leaving in the middle of a stream": leave_stream,
    "no retry when told": no_retry,
    "retry after a rate limit": retry,
}


def read_pieces(model):
    seen = {"content": "", "finish": None}
    calls = []
    for piece in whole(model, stream=True):
        choice = piece.choices[0]
        seen["content"] += choice.delta.content or ""
        seen["finish"] = choice.finish_reason or seen["finish"]
        for call in choice.delta.tool_calls or []:
            if call.index == len(calls):
                calls.append({"name": "", "arguments": ""})
            calls[call.index]["name"] += call.function.name or ""
            calls[call.index]["arguments"] += call.function.arguments or ""
    return {**seen, "calls": [{**call, "arguments": parsed(call["arguments"])} for call in calls]}


def read_helped(model):
    try:
        choice = helped(model).choices[0]
    except openai.LengthFinishReasonError as error:
        choice = error.completion.choices[0]
    return {
        "content": choice.message.content or "",
        "finish": choice.finish_reason,
        "calls": [
            {"name": call.function.name, "arguments": parsed(call.function.arguments)}
            for call in choice.message.tool_calls or []
        ],
    }


READERS = {
    "openai for Python, piece by piece": read_pieces,
    "openai for Python, by its helper": read_helped,
}

if __name__ == "__main__":
    main(CHECKS, READERS, openai.OpenAIError)
