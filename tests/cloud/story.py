"""What people do with a deployed Muster: a story through every area of the API, with tokens of its user pool."""

import contextlib
import json
import re
import time

import gaps
from directory_steps import DirectorySteps
from event_steps import EventSteps
from people import Machine, Person, claims, send


class Story(DirectorySteps, EventSteps):
    def __init__(self, stack, pool, client, other_client, dns=None, groups=None, receiver=None):
        self.stack, self.pool, self.client, self.other_client = stack, pool, client, other_client
        # The resolver that the stack asks, where it asks one of this test.
        self.dns = dns
        # The groups of a directory of the local stack, which change.
        self.groups = groups
        # The receiver of webhooks to which the stack may send.
        self.receiver = receiver
        self.steps = 0

    @contextlib.contextmanager
    def step(self, what):
        try:
            yield
        except Exception as error:
            raise RuntimeError(f"{self.stack.name}: {what}") from error
        self.steps += 1
        print(f"  ok {what}", flush=True)

    def person(self, name, tenant="acme", client=None, **more):
        attributes = {"custom:tenant_id": tenant, **{f"custom:{key}": value for key, value in more.items()}}
        email = f"{name}@{tenant}.example"
        return Person(self.stack, self.pool, client or self.client, email, attributes)

    def known(self, name, tenant="acme", **more):
        """A person who has signed in, with what their sign-in sets off."""
        person = self.person(name, tenant, **more)
        person.sign_in()
        gaps.PostAuthentication.fill(self.stack.emulator, self.stack, person.event())
        return person

    def run(self):
        self.sign_in()
        self.tokens()
        self.organizations()
        self.memberships()
        self.invitations()
        if self.dns:
            self.domains()
        self.teams()
        self.isolation()
        self.directory()
        if self.dns and self.groups:
            self.directories()
        self.provisioning()
        self.events()
        self.webhooks()
        self.rights()
        return self.steps

    def run_on_lite(self):
        """Where only ID tokens have the claims."""
        before = self.steps
        with self.step("with the plan LITE the ID token has the claims, and the API takes it"):
            told = self.ada.sign_in()
            assert "tenant_id" not in told, told
            self.ada.get(self.organization).expect(403, "no-tenant")
            self.ada.token = self.ada.tokens["id_token"]
            told = json.loads(claims(self.ada.token)["organizations"])
            assert told[self.organization.rsplit("/", 1)[1]] == "owner", told
            self.ada.get(self.organization).expect(200)
        return self.steps - before

    def run_as_machine(self, client):
        """Where the pool has a client for a backend."""
        before = self.steps
        with self.step("a backend gets a token of its own, and manages the tenant that it names"):
            machine = Machine(self.stack, self.pool, client)
            machine.sign_in()
            machine.get("/organizations").expect(400)
            shown = machine.get(self.organization, muster_tenant="acme").expect(200).body
            assert shown["tenant_id"] == "acme", shown
            machine.get(self.organization, muster_tenant="globex").expect(404)
            self.root.get(self.organization, muster_tenant="acme").expect(400)
        return self.steps - before

    def run_on_domain_name(self, name):
        """Where the API has a domain name of its own."""
        before = self.steps
        with self.step("the hosted zone leads from the domain name to the API, over IPv4 and IPv6"):
            outputs = self.stack.outputs
            records = self.stack.emulator.client("route53").list_resource_record_sets(
                HostedZoneId=self.stack.parameters["ApiHostedZoneId"]
            )["ResourceRecordSets"]
            targets = {it["Type"]: it["AliasTarget"] for it in records if it["Name"] == f"{name}."}
            assert set(targets) == {"A", "AAAA"}, records
            for target in targets.values():
                assert target["DNSName"].rstrip(".") == outputs["ApiDomainTarget"], target
                assert target["HostedZoneId"] == outputs["ApiDomainTargetZone"], target
        with self.step("the API answers at its domain name"):
            assert self.stack.outputs["ApiDomainTarget"], self.stack.outputs
            self.ada.host = name
            self.ada.get(self.organization).expect(200)
        return self.steps - before

    def sign_in(self):
        with self.step("a person signs in on the page with PKCE"):
            self.ada = self.person("ada")
            told = self.ada.sign_in()
            assert (told["sub"], told["client_id"]) == (self.ada.id, self.client), told
        with self.step("pre-token has put the tenant and no organization into both tokens"):
            for token in (told, claims(self.ada.tokens["id_token"])):
                assert (token["tenant_id"], token["organizations"]) == ("acme", {}), token
        with self.step("post-login makes the person known"):
            gaps.still(gaps.PostAuthentication, gaps.PostAuthentication.is_there(self.ada))
            gaps.PostAuthentication.fill(self.stack.emulator, self.stack, self.ada.event())
            user = self.ada.get("/users/me").expect(200).body
            assert (user["user_id"], user["email"]) == (self.ada.id, "ada@acme.example"), user
        with self.step("others sign in, one of them as a tenant admin"):
            self.bob, self.cy = self.known("bob"), self.known("cy")
            self.root = self.person("root")
            self.root.into_group("tenant-admins")
            assert self.root.sign_in()["cognito:groups"] == ["tenant-admins"]

    def tokens(self):
        with self.step("no token, a broken one and one of another client are refused before the functions"):
            token = self.ada.token
            stranger = self.person("stranger", client=self.other_client)
            stranger.sign_in()
            head, payload, _ = token.split(".")
            foreign = ".".join([*token.split(".")[:2], stranger.token.split(".")[2]])
            for wrong in ("", "x", f"{head}.{payload}.", foreign, stranger.token):
                self.ada.token = wrong
                answer = self.ada.get("/users/me").expect(401)
                assert "x-request-id" not in answer.headers, "a function answered"
            self.ada.token = token
        with self.step("an id token is taken, as its audience is the client"):
            self.ada.token = self.ada.tokens["id_token"]
            self.ada.get("/users/me").expect(200)
            self.ada.token = token
        with self.step("a route that there is not is 404"):
            self.ada.get("/nowhere").expect(404)

    def organizations(self):
        ada, root = self.ada, self.root
        with self.step("an organization is made once, however often it is asked for"):
            body = {"name": "Acme", "domain": "acme.example", "billing_email": "pay@acme.example"}
            made = ada.post("/organizations", body, idempotency_key="k-1").expect(201)
            again = ada.post("/organizations", body, idempotency_key="k-1").expect(201)
            assert (again.body, again.headers["idempotency-replayed"]) == (made.body, "true")
            ada.post("/organizations", {"name": "Other"}, idempotency_key="k-1").expect(422)
            ada.post("/organizations", {"name": " ACME "}).expect(409, "name-taken")
            self.organization = made.headers["location"]
        with self.step("it is read and changed by its version, and found by name and domain"):
            shown = ada.get(self.organization).expect(200)
            ada.get(self.organization, if_none_match=shown.headers["etag"]).expect(304)
            ada.patch(self.organization, {"metadata": {"plan": "gold"}}, if_match='"9"').expect(412)
            patch = {"limits": {"models": ["small"], "max_budget": 10}, "metadata": {"plan": "gold"}}
            ada.patch(self.organization, patch, if_match=shown.headers["etag"]).expect(200)
            for query in ("name_prefix=ac", "domain=acme.example", "name=acme"):
                found = root.get(f"/organizations?{query}").expect(200).body["items"]
                assert [one["name"] for one in found] == ["Acme"], query
            ada.get("/organizations").expect(403)
        with self.step("another one is renamed, deleted, and restored"):
            other = ada.post("/organizations", {"name": "Other"}).expect(201).headers["location"]
            ada.patch(other, {"name": "Renamed"}).expect(200)
            ada.delete(other).expect(204)
            ada.get(other).expect(404)
            gone = root.get("/organizations?status=deleted").expect(200).body["items"]
            assert [one["name"] for one in gone] == ["Renamed"]
            ada.post(f"{other}/restore").expect(200)

    def memberships(self):
        ada, bob, cy = self.ada, self.bob, self.cy
        members = f"{self.organization}/members"
        with self.step("a member is invited, accepts, and sees the organization"):
            bob.get(self.organization).expect(404)
            ada.post(members, {"user_id": bob.id, "role": "admin"}).expect(201)
            bob.get(self.organization).expect(404)
            bob.post(f"{members}/me/accept", idempotency_key="k-2").expect(200)
            assert "billing_email" in bob.get(self.organization).expect(200).body
        with self.step("the next token has the organization with the role"):
            told = bob.sign_in()["organizations"]
            assert told == {self.organization.rsplit("/", 1)[1]: "admin"}, told
        with self.step("an admin adds a member, and members are listed"):
            bob.post(members, {"user_id": cy.id, "role": "readonly", "status": "active"}).expect(201)
            listed = cy.get(f"{members}?limit=2").expect(200).body
            more = cy.get(f"{members}?limit=2&cursor={listed['next_cursor']}").expect(200).body
            found = {one["user_id"] for one in listed["items"] + more["items"]}
            assert found == {ada.id, bob.id, cy.id}, found
            assert "billing_email" not in cy.get(self.organization).expect(200).body
        with self.step("a role is changed, and no one reaches above their own"):
            cy.patch(f"{members}/{cy.id}", {"role": "owner"}).expect(403)
            bob.patch(f"{members}/{ada.id}", {"role": "member"}).expect(403)
            ada.patch(f"{members}/{cy.id}", {"role": "member"}).expect(200)
            assert cy.get(f"{members}/me").expect(200).body["role"] == "member"
        with self.step("the last owner stays, and a suspended member sees nothing"):
            ada.delete(f"{members}/me").expect(409)
            ada.patch(f"{members}/{cy.id}", {"status": "suspended"}).expect(200)
            cy.get(self.organization).expect(404)
            ada.patch(f"{members}/{cy.id}", {"status": "active"}).expect(200)
            mine = cy.get("/users/me/organizations").expect(200).body["items"]
            assert [one["organization"]["name"] for one in mine] == ["Acme"]
        with self.step("a user is registered by a tenant admin"):
            self.root.call("PUT", "/users/dan", {"email": "dan@acme.example"}).expect(201)
            assert self.root.get("/users/dan").expect(200).body["email"] == "dan@acme.example"

    def invitations(self):
        ada, invitations = self.ada, f"{self.organization}/invitations"
        # The mails of all stacks are in one list.
        name = f"gus-{self.stack.name}"
        email = f"{name}@acme.example"

        def wait(what, look):
            until = time.monotonic() + 60
            while time.monotonic() < until:
                if found := look():
                    return found
                time.sleep(0.5)
            raise RuntimeError(f"no {what}")

        def mails():
            told = send(self.stack.emulator, "GET", "/_ministack/ses/messages").expect(200).body["messages"]
            return [mail for mails in told.values() for mail in mails if mail["To"] == [email]]

        with self.step("an invitation by email is sent through SES"):
            made = ada.post(invitations, {"email": email, "role": "manager"}).expect(201)
            assert made.body["delivery"] == "queued" and "accept_url" not in made.body, made.body
            path = made.headers["location"]
            mail = wait("mail", mails)[0]
            assert mail["Source"] == self.stack.parameters["InvitationFrom"], mail
            link = re.search(r"https://app\.acme\.example/join\?invitation=(\S+)", mail["BodyText"])
            assert link, "the mail has the link"
            wait("delivery", lambda: ada.get(path).expect(200).body["delivery"] == "sent")
        with self.step("anyone sees what the link offers, and only the invited person accepts, once"):
            anyone = self.person(f"anyone-{self.stack.name}")
            shown = anyone.get(f"/invitations/{link[1]}").expect(200).body
            assert (shown["email"], shown["organization"]["name"]) == (email, "Acme"), shown
            self.cy.post("/invitations/accept", {"token": link[1]}).expect(403)
            gus = self.known(name)
            gus.post("/invitations/accept", {"token": link[1]}).expect(200)
            assert gus.get(f"{self.organization}/members/me").expect(200).body["role"] == "manager"
            anyone.get(f"/invitations/{link[1]}").expect(404)
            assert ada.get(path).expect(200).body["status"] == "accepted"
            assert len(mails()) == 1, "sent once"
            # The steps below count the members.
            ada.delete(f"{self.organization}/members/{gus.id}").expect(204)

    def domains(self):
        ada, members = self.ada, f"{self.organization}/members"
        with self.step("a domain is verified by its DNS record, and adds who signs in with an address in it"):
            made = ada.post(f"{self.organization}/domains", {"domain": "acme.example"}).expect(201)
            path, proof = f"{self.organization}/domains/acme.example", made.body["verification"]
            assert ada.post(f"{path}/verify").expect(200).body["status"] == "failed"
            self.dns.records[proof["name"]] = [proof["value"]]
            assert ada.post(f"{path}/verify").expect(200).body["status"] == "verified"
            ada.patch(path, {"auto_join": True}).expect(200)
            self.stack.restart("PostLogin")
            hal = self.known("hal")
            joined = ada.get(f"{members}/{hal.id}").expect(200).body
            assert (joined["source"], joined["role"]) == ("domain", "member"), joined
            # The steps below count the members.
            ada.delete(f"{members}/{hal.id}").expect(204)
            ada.delete(path).expect(204)

    def teams(self):
        ada, bob, cy = self.ada, self.bob, self.cy
        with self.step("a team is made in the organization, with a leader who runs it"):
            body = {"name": "Sales", "limits": {"models": ["all-org-models"]}}
            made = ada.post(f"{self.organization}/teams", body, idempotency_key="k-3").expect(201)
            team, members = made.headers["location"], f"{made.headers['location']}/members"
            assert made.body["effective_models"] == ["small"]
            ada.post(members, {"user_id": cy.id, "role": "leader"}).expect(201)
            cy.patch(team, {"description": "EMEA"}).expect(200)
            cy.post(members, {"user_id": bob.id}).expect(201)
            cy.patch(f"{members}/{bob.id}", {"role": "leader"}).expect(200)
        with self.step("teams and who is in them are listed"):
            assert len(bob.get(f"{self.organization}/teams").expect(200).body["items"]) == 1
            assert len(bob.get(members).expect(200).body["items"]) == 2
            mine = bob.get("/users/me/teams").expect(200).body["items"]
            assert [one["team"]["name"] for one in mine] == ["Sales"]
        with self.step("who leaves the organization leaves its teams, and a team is deleted"):
            ada.delete(f"{members}/{bob.id}").expect(204)
            ada.delete(f"{self.organization}/members/{cy.id}").expect(204)
            assert ada.get(members).expect(200).body["items"] == []
            ada.delete(team).expect(204)
            ada.get(team).expect(404)
        with self.step("a tenant admin makes a standalone team"):
            alone = self.root.post("/teams", {"name": "Alone"}).expect(201).headers["location"]
            self.root.post(f"{alone}/members", {"user_id": cy.id}).expect(201)
            cy.get(alone).expect(200)
            assert len(self.root.get("/teams").expect(200).body["items"]) >= 1

    def isolation(self):
        with self.step("a user of another tenant finds nothing, nor does a tenant admin of it"):
            eve = self.known("eve", "globex")
            boss = self.person("boss", "globex")
            boss.into_group("tenant-admins")
            boss.sign_in()
            self.boss = boss
            own = boss.post("/organizations", {"name": "Acme"}).expect(201).headers["location"]
            for person in (eve, boss):
                for path in ("", "/members", "/teams", f"/members/{self.ada.id}"):
                    person.get(f"{self.organization}{path}").expect(404)
                person.patch(self.organization, {"name": "Mine"}).expect(404)
                person.delete(self.organization).expect(404)
            boss.get(f"/users/{self.ada.id}").expect(404)
            found = boss.get("/organizations").expect(200).body["items"]
            assert [f"/organizations/{one['id']}" for one in found] == [own]
            self.root.get(own).expect(404)

    def rights(self):
        with self.step("a function whose right is taken away can do nothing"):
            iam = self.stack.emulator.client("iam")
            role = self.stack.resources["GetUserRole"]
            names = iam.list_role_policies(RoleName=role)["PolicyNames"]
            policies = {name: iam.get_role_policy(RoleName=role, PolicyName=name) for name in names}
            assert policies, "GetUser has rights"
            for name in names:
                iam.delete_role_policy(RoleName=role, PolicyName=name)
            self.ada.get("/users/me").expect(503)
            for name, policy in policies.items():
                document = json.dumps(policy["PolicyDocument"])
                iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)
            self.ada.get("/users/me").expect(200)
