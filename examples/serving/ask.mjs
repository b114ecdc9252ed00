// Asks a served model: node ask.mjs URL < request.json
// The function is the same in a page; a page of another origin needs a proxy that allows it.

export async function predict(url, instances) {
  const reply = await fetch(url, {
    method: "POST",
    headers: {"content-type": "application/json"},
    body: JSON.stringify({instances}),
  });
  const answer = await reply.json();
  if (!reply.ok) throw new Error(`${reply.status}: ${answer.error}`);
  return answer.predictions; // a row for each instance
}

if (typeof process !== "undefined") {
  let text = "";
  for await (const part of process.stdin) text += part;
  const predictions = await predict(process.argv[2], JSON.parse(text).instances);
  console.log(JSON.stringify({predictions}));
}
