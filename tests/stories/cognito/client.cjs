// A client of a user pool, with the AWS SDK: node client.cjs ENDPOINT COMMAND {INPUT}
// sends one command and prints its output as JSON.
"use strict";
const sdk = require("@aws-sdk/client-cognito-identity-provider");

const [endpoint, command, input] = process.argv.slice(2);
const credentials = { accessKeyId: "local", secretAccessKey: "local" };
const client = new sdk.CognitoIdentityProviderClient({ endpoint, region: "local", credentials });
client.send(new sdk[`${command}Command`](JSON.parse(input))).then(
  (output) => console.log(JSON.stringify(output)),
  (error) => { console.error(`${command}: ${error.name}: ${error.message}`); process.exitCode = 1; },
);
