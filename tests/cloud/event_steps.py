"""The steps about events: on the bus, and at webhook endpoints."""

import json
import time
import uuid

import gaps
from receiver import is_signed


def allow_loopback(stack):
    """Lets a stack send webhooks to this machine, as the local stack may: the receiver of the test has no public address.
    The rules themselves are tested with the local stack."""
    functions = stack.emulator.client("lambda")
    for name in ("CreateWebhookEndpoint", "TestWebhookEndpoint", "DeliverWebhook"):
        name = stack.resources[name]
        variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        variables["WEBHOOK_LOOPBACK"] = "allowed"
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


class EventSteps:
    def events(self):
        emulator, outputs = self.stack.emulator, self.stack.outputs
        sqs, events, dynamodb = (emulator.client(it) for it in ("sqs", "events", "dynamodb"))

        def put(record):
            """Puts the item of an event into the table: its id."""
            name = str(uuid.uuid4())
            stored = record(name)
            dynamodb.put_item(TableName=outputs["TableName"], Item={
                "pk": {"S": f"TENANT#acme#!EVENTS#{name[-1]}"}, "sk": {"S": name}, "record": {"S": stored},
                "personal": {"S": json.dumps({"actor_name": "Ada"})},
            })
            return name

        def wait(queue, is_wanted):
            """The first message of a queue that is wanted."""
            until = time.monotonic() + 60
            while time.monotonic() < until:
                told = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1, MaxNumberOfMessages=10)
                for message in told.get("Messages", []):
                    body = json.loads(message["Body"])
                    if is_wanted(body):
                        return body
            raise RuntimeError(f"no message in {queue}")

        def event(name):
            return {
                "id": name, "type": "team.created", "tenant_id": "acme", "organization_id": None,
                "occurred_at": "2026-11-28T02:43:00.000Z", "actor": {"type": "user", "id": "ada"},
                "targets": [{"type": "team", "id": "t", "name": "Sales"}], "changes": {},
                "context": {"request_id": "r", "operation": "createTeam"}, "resource_version": 1,
            }

        with self.step("an event in the table reaches the target of a rule of the bus"):
            queue = sqs.create_queue(QueueName=f"{self.stack.name}-events")["QueueUrl"]
            told = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
            rule = {"EventBusName": outputs["EventBusName"]}
            pattern = {"source": ["muster"], "detail-type": [{"prefix": "team."}]}
            events.put_rule(Name="teams", EventPattern=json.dumps(pattern), **rule)
            target = {"Id": "queue", "Arn": told["Attributes"]["QueueArn"]}
            events.put_targets(Rule="teams", Targets=[target], **rule)
            name = put(lambda name: json.dumps(event(name)))
            body = wait(queue, lambda body: body["detail"]["id"] == name)
            expected = event(name)
            expected["actor"]["name"] = "Ada"
            assert body["detail"] == expected, body
            assert (body["source"], body["detail-type"]) == ("muster", "team.created"), body
            gaps.still(gaps.EventTime, gaps.EventTime.is_there(body))
        with self.step("an item that is no event is set aside, and the next event is published"):
            broken, good = put(lambda _: "{"), put(lambda name: json.dumps(event(name)))
            wait(queue, lambda body: body["detail"]["id"] == good)
            failure = wait(outputs["EventFailuresUrl"], lambda body: body["keys"]["sk"]["S"] == broken)
            assert failure["reason"].startswith("the record"), failure

    def webhooks(self):
        root = self.root

        def endpoint(url):
            body = {"url": url, "event_types": ["team.*"]}
            made = root.post("/webhook-endpoints", body).expect(201)
            return made.headers["location"], made.body["secret"]

        def delivery(path, is_wanted):
            """The delivery of an event to an endpoint, once it is as wanted."""
            until = time.monotonic() + 120
            while True:
                found = root.get(f"{path}/deliveries").expect(200).body["items"]
                if wanted := [one for one in found if is_wanted(one)]:
                    return wanted[0]
                assert time.monotonic() < until, found
                time.sleep(1)

        def made_team(name):
            """Makes a team: the id of its event."""
            team = root.post("/teams", {"name": name}).expect(201).body["id"]
            found = root.get("/events?type=team.created").expect(200).body["items"]
            return next(event["id"] for event in found if event["targets"][0]["id"] == team)

        with self.step("an endpoint on this machine, or without TLS, is refused"):
            for url in ("https://127.0.0.1/", "https://localhost/", "http://hooks.acme.example/"):
                body = {"url": url, "event_types": ["*"]}
                root.post("/webhook-endpoints", body).expect(400, "validation-failed")
            self.ada.get("/webhook-endpoints").expect(403)
        with self.step("a webhook that cannot be delivered is recorded with its reason, and sent again later"):
            # No name below .example has an address.
            path, _ = endpoint("https://hooks.acme.example/")
            tested = root.post(f"{path}/test").expect(200).body
            assert tested["status"] is None and tested["error"] in ("dns", "timeout"), tested
            event = made_team("Unheard")
            failed = delivery(path, lambda one: one["id"] == event)
            assert (failed["event_type"], failed["status"]) == ("team.created", "pending"), failed
            assert failed["error"] in ("dns", "timeout") and failed["next_attempt_at"], failed
            assert root.get(path).expect(200).body["last_failure_at"], "the endpoint says that it fails"
            root.delete(path).expect(204)
        if not self.receiver:
            return
        with self.step("a webhook is sent again after 503, and arrives signed"):
            allow_loopback(self.stack)
            path, secret = endpoint(self.receiver.url)
            event = made_team("Heard")
            done = delivery(path, lambda one: one["id"] == event and one["status"] == "delivered")
            assert (done["attempts"], done["response_status"]) == (2, 204), done
            attempts = self.receiver.messages(event)
            assert len(attempts) == 2 and attempts[0][1] == attempts[1][1], attempts
            for headers, body in attempts:
                assert is_signed(secret, headers, body), headers
            body = json.loads(attempts[0][1])
            shown = root.get(f"/events/{event}").expect(200).body
            assert (body["type"], body["data"]) == ("team.created", shown), body
        with self.step("the test of an endpoint answers its status"):
            tested = root.post(f"{path}/test").expect(200).body
            assert (tested["status"], tested["error"]) == (503, None), tested
            headers, body = self.receiver.received[-1]
            assert json.loads(body)["type"] == "webhook.test" and is_signed(secret, headers, body), body
            root.delete(path).expect(204)
