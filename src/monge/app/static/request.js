// Requests to the server, with the token that every one which changes something needs.

const token = document.querySelector("meta[name=token]").content;

/** Says something in a line at the foot of the page; nothing takes it away. */
export function notice(text) {
  const line = document.getElementById("notice");
  line.textContent = text ?? "";
  line.hidden = !text;
}

/** The answer to a request; an error of the server is thrown with its line. */
export async function send(address, { body, method = body === undefined ? "GET" : "POST", signal } = {}) {
  const raw = body instanceof Blob;
  const options = { method, signal, headers: { "x-monge-token": token } };
  if (body !== undefined) options.body = raw ? body : JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("monge does not answer; is the command still running?");
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  let line = text;
  try {
    line = JSON.parse(text).error;
  } catch {
    // a refusal is plain text
  }
  throw new Error(line);
}

/** The same, read as JSON. */
export async function ask(address, options) {
  return (await send(address, options)).json();
}
