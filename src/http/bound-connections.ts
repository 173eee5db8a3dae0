import type { Socket } from 'node:net';

export const MOST_CONNECTIONS = 256;

/**
 * Bounds how many connections to a server are open, and for how long: a connection above the limit closes the oldest one,
 * so a new client is answered however many others are open.
 */
export function boundConnections(longestMilliseconds: number): (socket: Socket) => void {
  const open = new Set<Socket>();
  return (socket) => {
    const [oldest] = open;
    if (oldest && open.size >= MOST_CONNECTIONS) {
      open.delete(oldest);
      oldest.destroy();
    }
    open.add(socket);
    const end = setTimeout(() => socket.destroy(), longestMilliseconds);
    socket.once('close', () => {
      clearTimeout(end);
      open.delete(socket);
    });
  };
}
