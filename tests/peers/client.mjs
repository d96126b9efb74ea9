// Talks to a server with @grpc/grpc-js: node client.mjs HOST:PORT PROTO_FOLDER GOOGLE_PROTO_FOLDER
// Writes one JSON object with what it saw.
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const [address, protos, googleProtos] = process.argv.slice(2);
const definition = loader.loadSync(["inferencehost/v1/inference.proto"], {
  includeDirs: [protos, googleProtos],
  keepCase: true,
  longs: String,
  enums: String,
});
const { Inference } = grpc.loadPackageDefinition(definition).inferencehost.v1;
const client = new Inference(address, grpc.credentials.createInsecure());

/** Reads a stream to its end or error. */
function read(call) {
  return new Promise((resolve) => {
    const seen = { text: "", messages: 0 };
    call.on("data", (message) => {
      seen.text += message.text;
      seen.messages++;
      if (message.usage) Object.assign(seen, { finish_reason: message.finish_reason, completion_tokens: message.usage.completion_tokens });
    });
    call.on("error", (error) => resolve({ ...seen, code: error.code, details: error.metadata?.get("grpc-status-details-bin").length ?? 0 }));
    call.on("status", (status) => status.code === 0 && resolve({ ...seen, code: 0 }));
  });
}

function unary(method, request) {
  return new Promise((resolve, reject) => client[method](request, (error, answer) => (error ? reject(error) : resolve(answer))));
}

const prompt = "The capital of France is";
const generated = await read(client.generate({ prompt, max_tokens: 8, temperature: 0 }));
const refused = await read(client.generate({ prompt, max_tokens: -1 }));

const cancelled = await new Promise((resolve) => {
  const call = client.generate({ prompt, max_tokens: 4000, ignore_eos: true });
  call.once("data", () => call.cancel());
  call.on("error", (error) => resolve({ code: error.code }));
});

const late = await read(client.generate({ prompt, max_tokens: 4000, ignore_eos: true }, { deadline: Date.now() + 500 }));

const texts = Array.from({ length: 200 }, (_, i) => `call number ${i}`);
const answers = await Promise.all(
  texts.map(async (text) => {
    const { token_ids } = await unary("tokenize", { text, add_special: false });
    return (await unary("detokenize", { token_ids })).text;
  }),
);

client.close();
console.log(JSON.stringify({ generated, refused, cancelled, late, round_trips: answers.filter((answer, i) => answer === texts[i]).length }));
