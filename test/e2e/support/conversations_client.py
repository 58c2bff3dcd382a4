"""The official Python client, which goes through a conversation; prints what it has seen as JSON."""

import json
import os

import openai

client = openai.OpenAI(base_url=os.environ["BASE_URL"], api_key=os.environ["API_KEY"], max_retries=0)

conversation = client.conversations.create(metadata={"topic": "tea"})
whole = client.responses.create(model="cloud/echo", input="one", conversation=conversation.id)
with client.responses.stream(model="cloud/echo", input="two", conversation=conversation.id) as stream:
    streamed = stream.get_final_response()
items = client.conversations.items.list(conversation.id, order="asc", limit=3)
texts = [item.content[0].text for item in items]
metadata = client.conversations.retrieve(conversation.id).metadata
deleted = client.conversations.delete(conversation.id).deleted
try:
    client.conversations.retrieve(conversation.id)
    gone = None
except openai.NotFoundError as error:
    gone = error.status_code
print(
    json.dumps(
        {
            "metadata": metadata,
            "whole": whole.output_text,
            "streamed": streamed.output_text,
            "texts": texts,
            "deleted": deleted,
            "gone": gone,
        }
    )
)
