// A standard WebSocket, in Deno or on a page, told what to do by questions and
// by the messages that it gets.

/**
 * Echoes, but for messages that begin with "!", which are commands.
 *
 * @param {WebSocket} socket
 * @param {string} token
 * @param {{ tell: (what: object) => void, abort: () => void }} host
 */
export function obey(socket, token, { tell, abort }) {
  socket.binaryType = "arraybuffer";
  const commands = {
    /** @type {(type: BinaryType) => void} */
    type: (type) => socket.binaryType = type,
    close: (code, ...reason) =>
      code ? socket.close(Number(code), reason.join(" ")) : socket.close(),
    abort,
  };
  socket.onmessage = ({ data }) => {
    if (typeof data === "string" && data.startsWith("!")) {
      const [name, ...values] = data.slice(1).split(" ");
      commands[name](...values);
    } else socket.send(data);
  };
  socket.onclose = ({ code, reason }) => tell({ closed: token, code, reason });
}

/** Opens a WebSocket, and says what came of it. */
export function connect({ id, url, protocols }, host) {
  const socket = new WebSocket(url, protocols);
  socket.onopen = () => {
    const { protocol, extensions } = socket;
    host.tell({ id, protocol, extensions });
  };
  // Why is not to be known.
  socket.onerror = () => {
    if (socket.readyState !== WebSocket.OPEN) host.tell({ id, refused: {} });
  };
  obey(socket, new URL(url).pathname, host);
}
