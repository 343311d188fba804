"""The Python SDKs' cases: `sdk.py openai|anthropic CASE`. Addresses and keys come from the environment alone."""

import sys

KIND, CASE = sys.argv[1:]
MODEL = "kimi-for-coding"
TEXT = '[call weather {"city": "Oslo"}]' if CASE == "tools" else "hello"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def openai():
    from openai import OpenAI

    client, messages = OpenAI(), [{"role": "user", "content": TEXT}]
    ask = {"model": MODEL, "messages": messages}
    if CASE == "streaming":
        for chunk in client.chat.completions.create(**ask, stream=True):
            print(chunk.choices[0].delta.content or "" if chunk.choices else "", end="")
        return
    if CASE == "tools":
        ask["tools"] = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
        message = client.chat.completions.create(**ask).choices[0].message
        result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "kmi-tool-was-here"}
        messages += [message, result]
    print(client.chat.completions.create(**ask).choices[0].message.content)


def anthropic():
    from anthropic import Anthropic

    client, messages = Anthropic(), [{"role": "user", "content": TEXT}]
    ask = {"model": MODEL, "messages": messages, "max_tokens": 1000}
    if CASE == "streaming":
        with client.messages.stream(**ask) as stream:
            print("".join(stream.text_stream))
        return
    if CASE == "tools":
        ask["tools"] = [{"name": "weather", "input_schema": SCHEMA}]
        answer = client.messages.create(**ask)
        call = next(block for block in answer.content if block.type == "tool_use")
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "kmi-tool-was-here"}
        messages += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]
    print("".join(block.text for block in client.messages.create(**ask).content if block.type == "text"))


{"openai": openai, "anthropic": anthropic}[KIND]()
