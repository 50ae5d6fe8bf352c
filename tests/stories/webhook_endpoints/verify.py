"""Verifies the webhook in the environment variable WEBHOOK with the library of Svix."""

import json
import os

from svix.webhooks import Webhook, WebhookVerificationError

webhook = json.loads(os.environ["WEBHOOK"])
try:
    Webhook(webhook["secret"]).verify(webhook["body"], webhook["headers"])
    print("accepted")
except WebhookVerificationError as error:
    print(error)
