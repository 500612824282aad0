"""Servers that take uploads: a small S3 that checks signatures, and tus 1.0
with concatenation. Both behave worse on demand."""

import base64
import contextlib
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.etree import ElementTree

from tls_servers import Loop, Server

KEY_ID, SECRET, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", "eu-test-1"


class Reply:
    def __init__(self, status=200, body=b"", **fields):
        self.status, self.body = status, body
        self.fields = {name.replace("_", "-"): value
                       for name, value in fields.items()}


class UploadServer:
    """Reads requests whole and answers what `answer` gives."""

    def __init__(self):
        self.log = []       # (method, target, bytes of the body)
        self.failures = {}  # method -> how many requests yet fail with 500
        self.resets = 0     # how many bodies are yet cut off

    async def serve(self, reader, writer):
        with contextlib.suppress(ConnectionError, EOFError):
            while await self._one(reader, writer):
                pass
        writer.close()

    async def _one(self, reader, writer) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ")
        if target.startswith("http://"):  # through a proxy
            target = "/" + target.split("/", 3)[3]
        fields = {x.split(":", 1)[0].lower(): x.split(":", 1)[1].strip()
                  for x in lines if x}
        size = int(fields.get("content-length", 0))
        if size > 100_000 and self.resets > 0:
            self.resets -= 1
            got = await reader.readexactly(size // 2)
            self.cut(method, target, fields, got)
            writer.transport.abort()
            return False
        body = await reader.readexactly(size)
        self.log.append((method, target, len(body)))
        if self.failures.get(method, 0) > 0:
            self.failures[method] -= 1
            reply = Reply(500, b"try later")
        else:
            reply = await self.respond(method, target, fields, body)
        lines = [f"HTTP/1.1 {reply.status} Status"]
        lines += [f"{name}: {value}" for name, value in reply.fields.items()]
        lines += [f"Content-Length: {len(reply.body)}"]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body)
        await writer.drain()
        return True

    def cut(self, method, target, fields, got) -> None:
        """The beginning of a body has come, and nothing more will."""

    async def respond(self, method, target, fields, body) -> Reply:
        return self.answer(method, target, fields, body)

    def answer(self, method, target, fields, body) -> Reply:
        raise NotImplementedError


# -- S3 -----------------------------------------------------------------------


def signature(method, target, fields, body_hash) -> str:
    """AWS Signature Version 4, from its description."""
    parts = urlsplit(target)
    auth = fields["authorization"]
    scope = re.search(r"Credential=[^/]+/([^,]+)", auth)[1]
    signed = re.search(r"SignedHeaders=([^,]+)", auth)[1].split(";")
    query = "&".join(sorted(
        f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}"
        for k, v in parse_qsl(parts.query, keep_blank_values=True)))
    request = "\n".join([
        method, quote(unquote(parts.path), safe="/-_.~"), query,
        *(f"{name}:{fields[name]}" for name in signed), "",
        ";".join(signed), body_hash])
    text = "\n".join(["AWS4-HMAC-SHA256", fields["x-amz-date"], scope,
                      hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{SECRET}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


@dataclass
class Part:
    body: bytes
    etag: str


class FakeS3(UploadServer):
    """One bucket. `signed` are the tokens of presigned URLs."""

    def __init__(self):
        super().__init__()
        self.objects = {}
        self.uploads = {}
        self.signed = set()
        self.late_error = False  # an error in an answer that began well

    def _refusal(self, method, target, fields, body):
        query = dict(parse_qsl(urlsplit(target).query))
        if query.get("sig") in self.signed:
            return None
        body_hash = hashlib.sha256(body).hexdigest()
        if fields.get("x-amz-content-sha256") != body_hash:
            return error(400, "XAmzContentSHA256Mismatch")
        if f"Credential={KEY_ID}/" not in fields.get("authorization", ""):
            return error(403, "InvalidAccessKeyId")
        given = fields["authorization"].rpartition("Signature=")[2]
        if given != signature(method, target, fields, body_hash):
            return error(403, "SignatureDoesNotMatch")
        return None

    def answer(self, method, target, fields, body) -> Reply:
        if refused := self._refusal(method, target, fields, body):
            return refused
        parts = urlsplit(target)
        key = unquote(parts.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if method == "POST" and "uploads" in query:
            upload = secrets.token_hex(8) + "+/="
            self.uploads[upload] = {}
            return xml("InitiateMultipartUploadResult", UploadId=upload)
        upload = query.get("uploadId")
        if upload is None and method == "PUT":
            self.objects[key] = body
            return Reply(ETag=etag(body))
        if upload not in self.uploads:
            return error(404, "NoSuchUpload")
        if method == "PUT":
            tag = etag(body)
            self.uploads[upload][int(query["partNumber"])] = Part(body, tag)
            return Reply(ETag=tag)
        if method == "DELETE":
            del self.uploads[upload]
            return Reply(204)
        return self._complete(key, upload, body)

    def _complete(self, key, upload, body) -> Reply:
        if self.late_error:
            return Reply(200, error(200, "InternalError").body)
        have = self.uploads[upload]
        named = [(int(x.findtext("PartNumber")), x.findtext("ETag"))
                 for x in ElementTree.fromstring(body).iter("Part")]
        if [n for n, _ in named] != sorted(have) or any(
                have[n].etag != tag for n, tag in named):
            return error(400, "InvalidPart")
        if any(len(have[n].body) < 5 << 20 for n, _ in named[:-1]):
            return error(400, "EntityTooSmall")
        self.objects[key] = b"".join(have[n].body for n, _ in named)
        del self.uploads[upload]
        return xml("CompleteMultipartUploadResult", Key=key)


def etag(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'


def xml(root: str, **members) -> Reply:
    inside = "".join(f"<{k}>{v}</{k}>" for k, v in members.items())
    return Reply(200, f'<?xml version="1.0"?><{root}>{inside}</{root}>'
                 .encode(), Content_Type="application/xml")


def error(status: int, code: str) -> Reply:
    reply = xml("Error", Code=code, Message=f"because of {code}")
    reply.status = status
    return reply


# -- tus ----------------------------------------------------------------------


class FakeTus(UploadServer):
    """tus 1.0.0 at /files."""

    def __init__(self, extensions="creation,concatenation,termination"):
        super().__init__()
        self.extensions = extensions
        self.files = {}  # path -> [bytes, length, kind]
        self.names = {}  # path -> metadata

    def cut(self, method, target, fields, got) -> None:
        if method == "PATCH" and target in self.files:
            self.files[target][0] += got

    def answer(self, method, target, fields, body) -> Reply:
        if method == "OPTIONS":
            return Reply(204, Tus_Resumable="1.0.0", Tus_Version="1.0.0",
                         Tus_Extension=self.extensions)
        if fields.get("tus-resumable") != "1.0.0":
            return Reply(412)
        if method == "POST":
            return self._create(fields)
        if target not in self.files:
            return Reply(404)
        file = self.files[target]
        if method == "HEAD":
            return Reply(200, Tus_Resumable="1.0.0",
                         Upload_Offset=len(file[0]), Upload_Length=file[1])
        if method == "DELETE":
            del self.files[target]
            return Reply(204)
        if fields.get("content-type") != "application/offset+octet-stream":
            return Reply(415)
        if int(fields["upload-offset"]) != len(file[0]):
            return Reply(409)
        file[0] += body
        return Reply(204, Upload_Offset=len(file[0]))

    def _create(self, fields) -> Reply:
        kind = fields.get("upload-concat", "")
        path = f"/files/{len(self.names)}"
        if kind.startswith("final;"):
            parts = [urlsplit(x).path for x in kind[6:].split(" ")]
            if any(x not in self.files or len(self.files[x][0])
                   != self.files[x][1] for x in parts):
                return Reply(400)
            whole = b"".join(self.files[x][0] for x in parts)
            self.files[path] = [whole, len(whole), "final"]
        else:
            self.files[path] = [b"", int(fields["upload-length"]), kind]
        name = fields.get("upload-metadata", " ").split(" ")[1]
        self.names[path] = base64.b64decode(name).decode()
        return Reply(201, Location=path)


# -- anything else ------------------------------------------------------------


class PlainPut(UploadServer):
    """Takes a PUT of the whole."""

    def __init__(self):
        super().__init__()
        self.objects = {}

    def answer(self, method, target, fields, body) -> Reply:
        if method != "PUT":
            return Reply(405)
        self.objects[target] = body
        return Reply(201)


@contextlib.contextmanager
def upload_server(server: UploadServer, context=None):
    """Runs it on loopback, behind TLS with a context; gives its port."""
    with Loop() as loop:
        running = Server(loop, server.serve, context)
        yield running.port
        running.close()
