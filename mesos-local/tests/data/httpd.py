"""A small HTTP server for tests: httpd.py <port> [<directory> [<key and certificate>]]. It listens before it has read much else."""

import os
import socket
import sys


def main():
    port, directory = int(sys.argv[1]), (sys.argv[2:] or ["."])[0]
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", port))
    server.listen(16)
    if sys.argv[3:]:
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3])
        server = context.wrap_socket(server, server_side=True)
    while True:
        connection, _ = server.accept()
        with connection:
            answer(connection, directory)


def answer(connection, directory):
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(4096)
        if not data:
            return
        head += data
    path = head.split()[1].decode().lstrip("/")
    try:
        with open(os.path.join(directory, path), "rb") as file:
            status, body = "200 OK", file.read()
    except OSError:
        status, body = "404 Not Found", b"nothing here\n"
    connection.sendall(f"HTTP/1.0 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


main()
