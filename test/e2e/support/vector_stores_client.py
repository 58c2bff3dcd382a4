"""The official Python client, which goes through files and vector stores; prints what it has seen as JSON."""

import json
import os

import openai

client = openai.OpenAI(base_url=os.environ["BASE_URL"], api_key=os.environ["API_KEY"], max_retries=0)

returns = client.files.create(file=("returns.md", b"Goods can be returned within 30 days."), purpose="assistants")
store = client.vector_stores.create(name="shop", metadata={"kind": "test"})
added = client.vector_stores.files.create_and_poll(
    returns.id, vector_store_id=store.id, attributes={"year": 2026, "public": True}, poll_interval_ms=20
)
uploaded = client.vector_stores.files.upload_and_poll(
    vector_store_id=store.id, file=("shipping.md", b"We ship to Norway on Fridays."), poll_interval_ms=20
)
batch = client.vector_stores.file_batches.upload_and_poll(
    store.id, files=[("a.txt", b"Robots need a battery."), ("b.txt", b"A machine is charged at night.")], poll_interval_ms=20
)
found = client.vector_stores.search(store.id, query="Norway", max_num_results=1)
narrowed = client.vector_stores.search(
    store.id, query="goods Norway robots", filters={"type": "eq", "key": "year", "value": 2026}
)
names = sorted(
    client.files.retrieve(file.id).filename for file in client.vector_stores.files.list(store.id, limit=2)
)
text = client.vector_stores.files.content(returns.id, vector_store_id=store.id)
content = client.files.content(returns.id).read().decode()
counts = client.vector_stores.retrieve(store.id).file_counts
client.vector_stores.files.delete(uploaded.id, vector_store_id=store.id)
without = [result.filename for result in client.vector_stores.search(store.id, query="Norway")]
deleted = client.vector_stores.delete(store.id).deleted and client.files.delete(returns.id).deleted
try:
    client.vector_stores.retrieve(store.id)
    gone = None
except openai.NotFoundError as error:
    gone = error.code
print(
    json.dumps(
        {
            "added": [added.status, added.attributes],
            "uploaded": uploaded.status,
            "batch": [batch.status, batch.file_counts.completed],
            "found": [[result.filename, result.content[0].text] for result in found],
            "narrowed": [result.filename for result in narrowed],
            "names": names,
            "text": [part.text for part in text],
            "content": content,
            "completed": counts.completed,
            "without": without,
            "deleted": deleted,
            "gone": gone,
        }
    )
)
