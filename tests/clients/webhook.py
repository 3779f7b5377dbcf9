"""Verifies a webhook with the library of Standard Webhooks and prints its body.

Usage: webhook.py SECRET, with a JSON object of headers in the first line of standard input and the body behind it.
"""

import json
import sys

from standardwebhooks import Webhook

headers, _, body = sys.stdin.read().partition("\n")
print(json.dumps(Webhook(sys.argv[1]).verify(body, json.loads(headers))))
