"""The official Python client of Anthropic's protocol; the backend behind the gateway speaks OpenAI's."""

import asyncio

import anthropic
import openai
from pydantic import BaseModel

from report import BACKEND, CITY_SCHEMA, KEY, ORIGIN, PICTURE, QUESTION, WEATHER, main, parsed

TOOLS = [{"name": "get_weather", "input_schema": CITY_SCHEMA}]
# The words of the other protocol, which the shared checks use.
FINISHES = {"end_turn": "stop", "max_tokens": "length", "tool_use": "tool_calls", "refusal": "content_filter"}


class Report(BaseModel):
    city: str
    degrees: float


def connect(**options):
    settings = {"base_url": ORIGIN, "api_key": KEY, "max_retries": 0, "timeout": 10, **options}
    return anthropic.Anthropic(**settings)


def ask(content=QUESTION):
    return [{"role": "user", "content": content}]


def request(model, **more):
    return {"model": model, "max_tokens": 1000, "messages": ask(), **more}


def whole(model, **more):
    return connect().messages.create(**request(model, **more))


def helped(model, **more):
    with connect().messages.stream(**request(model, **more)) as stream:
        return stream.get_final_message()


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def answer(message):
    return {"text": text_of(message), "finish": FINISHES.get(message.stop_reason)}


def counts(message):
    usage = message.usage
    # Its input is what no cache had.
    return {
        "input": usage.input_tokens + usage.cache_read_input_tokens,
        "output": usage.output_tokens,
        "cached": usage.cache_read_input_tokens,
    }


def thoughts(message):
    thought = "".join(block.thinking for block in message.content if block.type == "thinking")
    return {"reasoning": thought, "text": text_of(message)}


def stream():
    with connect().messages.stream(**request("cloud/greeting")) as stream:
        pieces = len(list(stream.text_stream))
        return {**answer(stream.get_final_message()), "pieces": pieces}


def two_turns(model, turn):
    first = turn(model, tools=TOOLS)
    uses = [block for block in first.content if block.type == "tool_use"]
    results = [
        {"type": "tool_result", "tool_use_id": use.id, "content": WEATHER[use.input["city"]]} for use in uses
    ]
    messages = [*ask(), {"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    second = turn(model, tools=TOOLS, messages=messages)
    return {
        "calls": [{"name": use.name, "arguments": use.input} for use in uses],
        "finish": answer(first)["finish"],
        "answer": text_of(second),
    }


def structured_output():
    message = connect().messages.parse(**request("cloud/structured"), output_format=Report)
    return {"value": message.parsed_output.model_dump()}


def image_input():
    source = {"type": "base64", "media_type": "image/png", "data": PICTURE}
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image", "source": source}]
    return {"text": text_of(whole("cloud/picture", messages=ask(parts)))}


def models():
    return {"listed": sorted(model.id for model in connect().models.list() if model.id.startswith("cloud/"))}


def counting_tokens():
    count = connect().messages.count_tokens(model="cloud/greeting", messages=ask()).input_tokens
    return {"counted": isinstance(count, int) and count > 0}


def request_id():
    seen = {"ofAnswer": (whole("cloud/greeting")._request_id or "").startswith("req_"), "ofFailure": False}
    try:
        whole("nowhere/model")
    except anthropic.APIStatusError as error:
        seen["ofFailure"] = (error.request_id or "").startswith("req_")
    return seen


def refusal(kind, asked):
    try:
        asked()
        return {"status": 200}
    except anthropic.APIStatusError as error:
        return {"status": error.status_code, "ofItsClass": isinstance(error, kind), "message": error.message}


def refused(model, kind, **more):
    return lambda: refusal(kind, lambda: whole(model, **more))


def unauthorised():
    client = connect(api_key="wrong")
    return refusal(
        anthropic.AuthenticationError, lambda: client.messages.create(**request("cloud/greeting"))
    )


def fails_in_the_middle(model):
    text = ""
    try:
        for event in whole(model, stream=True):
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                text += event.delta.text
        return {"text": text, "failed": False}
    except anthropic.APIError:
        return {"text": text, "failed": True}


async def leave_waiting():
    async with anthropic.AsyncAnthropic(base_url=ORIGIN, api_key=KEY, max_retries=0, timeout=10) as client:
        asked = asyncio.create_task(client.messages.create(**request("cloud/hang")))
        async with openai.AsyncOpenAI(base_url=BACKEND, api_key="none", timeout=10) as backend:
            await backend.chat.completions.create(model="until-called", messages=ask("hang"))
        asked.cancel()
        try:
            await asked
            return {"left": False}
        except asyncio.CancelledError:
            return {"left": True}


def leave_stream():
    events = whole("cloud/hang-mid-stream", stream=True)
    for event in events:
        if event.type == "content_block_delta":
            events.close()
            return {"left": True}


def no_retry():
    try:
        connect(max_retries=2).messages.create(**request("stubborn"))
    except anthropic.APIStatusError as error:
        return {"status": error.status_code}


def retry():
    return {"text": text_of(connect(max_retries=2).messages.create(**request("cloud/limited-once")))}


CHECKS = {
    "chat": lambda: answer(whole("cloud/greeting")),
    "text of many scripts": lambda: answer(helped("cloud/polyglot")),
    "stream": stream,
    "tools over two turns": lambda: two_turns("cloud/weather", whole),
    "parallel tools": lambda: two_turns("cloud/weather-of-two", whole),
    "parallel tools, streamed": lambda: two_turns("cloud/weather-of-two", helped),
    "structured output": structured_output,
    "image input": image_input,
    "usage": lambda: counts(whole("cloud/counted")),
    "usage, streamed": lambda: counts(helped("cloud/counted")),
    "reasoning": lambda: thoughts(whole("cloud/thinker")),
    "reasoning, streamed": lambda: thoughts(helped("cloud/thinker")),
    "embeddings": "Anthropic's protocol has no embeddings",
    "models": models,
    "counting tokens": counting_tokens,
    "request id": request_id,
    "error 400": refused("cloud/error-400", anthropic.BadRequestError),
    "error 401": unauthorised,
    "error 404": refused("nowhere/model", anthropic.NotFoundError),
    "error 429": refused("cloud/error-429", anthropic.RateLimitError),
    "error 500": refused("cloud/error-500", anthropic.InternalServerError),
    "error 503": refused("cloud/error-503", anthropic.InternalServerError),
    "error before a stream": refused("cloud/error-first", anthropic.InternalServerError, stream=True),
    "error in the middle of a stream": lambda: fails_in_the_middle("cloud/error-mid-stream"),
    "connection cut in the middle of a stream": lambda: fails_in_the_middle("cloud/cut"),
    "leaving while it waits": lambda: asyncio.run(leave_waiting()),
    "leaving in the middle of a stream": leave_stream,
    "no retry when told": no_retry,
    "retry after a rate limit": retry,
}


def read_events(model):
    seen = {"content": "", "finish": None}
    calls = {}
    for event in whole(model, stream=True):
        if event.type == "content_block_start" and event.content_block.type == "tool_use":
            calls[event.index] = {"name": event.content_block.name, "arguments": ""}
        elif event.type == "content_block_delta" and event.delta.type == "text_delta":
            seen["content"] += event.delta.text
        elif event.type == "content_block_delta" and event.delta.type == "input_json_delta":
            calls[event.index]["arguments"] += event.delta.partial_json
        elif event.type == "message_delta":
            seen["finish"] = FINISHES.get(event.delta.stop_reason)
    return {
        **seen,
        "calls": [{**call, "arguments": parsed(call["arguments"] or "{}")} for call in calls.values()],
    }


def read_helped(model):
    message = helped(model)
    return {
        "content": text_of(message),
        "finish": FINISHES.get(message.stop_reason),
        "calls": [
            {"name": block.name, "arguments": block.input}
            for block in message.content
            if block.type == "tool_use"
        ],
    }


READERS = {
    "anthropic for Python, event by event": read_events,
    "anthropic for Python, by its helper": read_helped,
}

if __name__ == "__main__":
    main(CHECKS, READERS, anthropic.AnthropicError)
