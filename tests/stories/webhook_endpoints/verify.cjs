// Verifies the webhook in the environment variable WEBHOOK with the library of Standard Webhooks.
const { Webhook, WebhookVerificationError } = require("standardwebhooks");

const { secret, headers, body } = JSON.parse(process.env.WEBHOOK);
try {
  new Webhook(secret).verify(body, headers);
  console.log("accepted");
} catch (error) {
  if (!(error instanceof WebhookVerificationError)) {
    throw error;
  }
  console.log(error.message);
}
