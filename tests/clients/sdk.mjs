// The JavaScript SDKs' cases: `sdk.mjs openai|anthropic CASE`, run where the SDK is installed. Addresses and keys come
// from the environment alone.
import { createRequire } from "node:module";

const [kind, test] = process.argv.slice(2);
const require = createRequire(process.cwd() + "/");
const model = "kimi-for-coding";
const content = test === "tools" ? '[call weather {"city": "Oslo"}]' : "hello";
const schema = { type: "object", properties: { city: { type: "string" } } };
const messages = [{ role: "user", content }];

async function openai() {
  const { OpenAI } = require("openai");
  const { completions } = new OpenAI().chat;
  const ask = { model, messages };
  if (test === "streaming") {
    for await (const chunk of await completions.create({ ...ask, stream: true })) {
      process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
    }
    return;
  }
  if (test === "tools") {
    ask.tools = [{ type: "function", function: { name: "weather", parameters: schema } }];
    const { message } = (await completions.create(ask)).choices[0];
    messages.push(message, { role: "tool", tool_call_id: message.tool_calls[0].id, content: "kmi-tool-was-here" });
  }
  console.log((await completions.create(ask)).choices[0].message.content);
}

async function anthropic() {
  const { Anthropic } = require("@anthropic-ai/sdk");
  const client = new Anthropic();
  const ask = { model, messages, max_tokens: 1000 };
  const text = (answer) => answer.content.filter((it) => it.type === "text").map((it) => it.text).join("");
  if (test === "streaming") {
    console.log(text(await client.messages.stream(ask).finalMessage()));
    return;
  }
  if (test === "tools") {
    ask.tools = [{ name: "weather", input_schema: schema }];
    const answer = await client.messages.create(ask);
    const { id } = answer.content.find((it) => it.type === "tool_use");
    const result = { type: "tool_result", tool_use_id: id, content: "kmi-tool-was-here" };
    messages.push({ role: "assistant", content: answer.content }, { role: "user", content: [result] });
  }
  console.log(text(await client.messages.create(ask)));
}

await { openai, anthropic }[kind]();
