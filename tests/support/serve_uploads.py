#!/usr/bin/python3
"""All servers of upload_servers.py on one address and port, behind TLS, until
it is ended: tus at /files, S3 at /bucket, PUT elsewhere. The first line that
it prints says that it listens. For each file that is whole there it prints its
SHA-256 and its path, and forgets it."""

import argparse
import asyncio
import hashlib
import ssl
import sys

from upload_servers import FakeS3, FakeTus, PlainPut, UploadServer


def tell(files: list) -> None:
    for path, data in files:
        # In one piece: the lines of two threads do not mix.
        sys.stdout.write(f"{hashlib.sha256(data).hexdigest()} {path}\n")
        sys.stdout.flush()


class AllUploads(UploadServer):
    def __init__(self):
        super().__init__()
        self.s3, self.tus, self.plain = FakeS3(), FakeTus(), PlainPut()

    def _for(self, target) -> UploadServer:
        if target.startswith("/files"):
            return self.tus
        return self.s3 if target.startswith("/bucket") else self.plain

    async def respond(self, method, target, fields, body):
        """Hashes beside what goes on: no line waits for another one."""
        self.log.clear()
        out = await asyncio.to_thread(self._for(target).answer, method, target,
                                      fields, body)
        asyncio.get_running_loop().run_in_executor(
            None, tell, self._take_whole())
        return out

    def _take_whole(self) -> list:
        whole = [*self.s3.objects.items(), *self.plain.objects.items()]
        final = [(path, x[0]) for path, x in self.tus.files.items()
                 if x[2] == "final"]
        for kept in (self.s3.objects, self.plain.objects):
            kept.clear()
        if final:
            self.tus.files.clear()
        return whole + final


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--port", type=int, default=443)
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    args = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.cert, args.key)
    server = await asyncio.start_server(
        AllUploads().serve, args.address, args.port, ssl=context,
        limit=1 << 20)
    print("listening", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
