"""A mail server that takes everything and delivers nothing. It says its port on the first line, then each mail on a line of
its own, as JSON: the envelope, the headers that are looked at, and the parts, decoded."""

import asyncio
import base64
import json
import sys
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP


def part(one):
    told = {"type": one.get_content_type(), "id": one["Content-ID"], "disposition": one.get_content_disposition()}
    if one.is_multipart():
        return told | {"parts": [part(inner) for inner in one.iter_parts()]}
    if one.get_content_maintype() == "text":
        return told | {"text": one.get_content()}
    return told | {"base64": base64.b64encode(one.get_content()).decode()}


class CatchAll:
    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        names = ["Subject", "From", "To", "Message-ID", "Date", "Auto-Submitted", "List-Unsubscribe"]
        headers = {name: str(mail[name]) for name in names}
        print(json.dumps({"to": envelope.rcpt_tos, "headers": headers, "body": part(mail)}), flush=True)
        return "250 taken"


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(CatchAll()), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Ends when whoever started it does.
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
