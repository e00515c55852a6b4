// Runs models by ONNX Runtime: reads a list of {onnx, images, shape} as JSON on stdin, bytes in base64, and prints the logits.
const { readFileSync } = require("node:fs");

const ort = require("onnxruntime-web");

ort.env.wasm.numThreads = 1;

async function logitsOf({ onnx, images, shape }) {
  const session = await ort.InferenceSession.create(Buffer.from(onnx, "base64"));
  const input = new ort.Tensor("uint8", Uint8Array.from(Buffer.from(images, "base64")), shape);
  const { logits } = await session.run({ images: input });
  await session.release();
  return { shape: logits.dims, logits: [...logits.data] };
}

async function main() {
  const results = [];
  for (const task of JSON.parse(readFileSync(0, "utf8"))) results.push(await logitsOf(task));
  console.log(JSON.stringify(results));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
