"""The way from the last release to this one and back, with what people have written through its API meanwhile."""

from botocore.exceptions import ClientError

import gaps
from directory_steps import ALAN, COMPILERS, RESEARCH
from people import claims
from story import Story


# Follows from what is stored, by rules that a release may change: release 0.1.0 gives a team without models none.
COMPUTED = {"effective_models"}


def holds(whole, part):
    """Whether all that is stored of `part` is in `whole`, which may have more members."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            name in whole and holds(whole[name], part[name]) for name in part if name not in COMPUTED
        )
    if isinstance(part, list):
        return isinstance(whole, list) and len(whole) == len(part) and all(map(holds, whole, part))
    return whole == part


class Upgrade(Story):
    def __init__(self, stack, other_client):
        outputs = stack.outputs
        super().__init__(stack, outputs["UserPoolId"], outputs["UserPoolClientId"], other_client)

    def run(self, before, after):
        self.earlier_release()
        kept = self.what_stays()
        seen = self.everything()
        with self.step("the present template is deployed over the last release"):
            self.stack.update(after)
        with self.step("table, user pool, client and API are the same ones"):
            assert self.what_stays() == kept, (kept, self.what_stays())
        self.reads(seen, "what the last release wrote is answered as it was")
        self.present_release()
        seen = self.everything()
        with self.step("the last release is deployed over the present one"):
            self.stack.update(before)
            assert self.what_stays() == kept, (kept, self.what_stays())
        self.reads(seen, "what the present release wrote is answered by the last one", back=True)
        self.earlier_release_again()
        self.deletion()
        return self.steps

    def what_stays(self):
        names = ("TableName", "UserPoolId", "UserPoolClientId", "ApiUrl", "Issuer")
        return {name: self.stack.outputs[name] for name in names}

    def everything(self):
        """What each person reads of each thing."""
        acme, members = self.acme, f"{self.acme}/members"
        reads = {
            "ada": [acme, members, f"{members}?status=invited", f"{acme}/teams", "/users/me/organizations", self.team],
            "bob": [acme, f"{members}/me", "/users/me/teams", f"{self.team}/members"],
            "cy": [acme, f"{members}/me", self.team],
            "dan": ["/users/me", "/users/me/organizations?status=invited", f"{members}/me"],
            "fay": [acme, "/users/me/organizations?status=suspended"],
            "alan": ["/users/me/organizations", "/users/me/teams", f"/organizations/{COMPILERS}"],
            "root": ["/organizations", "/organizations?status=deleted", "/teams", self.alone, f"/users/{self.ada.id}"],
            "eve": [self.globex, acme],
        }
        return {
            (name, path): getattr(self, name).get(path) for name, paths in reads.items() for path in paths
        }

    def reads(self, seen, what, back=False):
        with self.step(what):
            now = self.everything()
            for read, old in seen.items():
                new = now[read]
                assert new.status == old.status, (read, old, new)
                # Problems may be worded otherwise. The newer of the two releases may answer more.
                if old.status == 200:
                    whole, part = (old, new) if back else (new, old)
                    assert holds(whole.body, part.body), (read, old.text, new.text)

    def earlier_release(self):
        with self.step("people sign in at the last release"):
            for name in ("ada", "bob", "cy", "dan", "fay"):
                setattr(self, name, self.known(name))
            self.root = self.person("root")
            self.root.into_group("tenant-admins")
            self.root.sign_in()
            self.eve = self.known("eve", "globex")
            self.alan = self.known("alan", entra_object_id=ALAN)
            self.alan.sign_in()
        ada, bob, cy, dan, fay = self.ada, self.bob, self.cy, self.dan, self.fay
        with self.step("organizations, memberships and invitations are written"):
            body = {"name": "Acme", "domain": "acme.example", "billing_email": "pay@acme.example"}
            self.acme = ada.post("/organizations", body, idempotency_key="before").expect(201).headers["location"]
            self.first = body, ada.get(self.acme).expect(200).body
            patch = {"limits": {"models": ["small"], "max_budget": 10}, "metadata": {"plan": "gold", "seats": 2.5}}
            ada.patch(self.acme, patch).expect(200)
            members = f"{self.acme}/members"
            ada.post(members, {"user_id": bob.id, "role": "admin"}).expect(201)
            bob.post(f"{members}/me/accept").expect(200)
            for person, role in ((cy, "readonly"), (fay, "member")):
                ada.post(members, {"user_id": person.id, "role": role, "status": "active"}).expect(201)
            ada.post(members, {"user_id": dan.id, "role": "manager"}).expect(201)
            ada.patch(f"{members}/{fay.id}", {"status": "suspended"}).expect(200)
            self.gone = ada.post("/organizations", {"name": "Gone"}).expect(201).headers["location"]
            ada.delete(self.gone).expect(204)
            self.globex = self.eve.post("/organizations", {"name": "Acme"}).expect(201).headers["location"]
        with self.step("teams are written, in the organization and alone"):
            body = {"name": "Sales", "limits": {"models": ["all-org-models"]}}
            self.team = ada.post(f"{self.acme}/teams", body).expect(201).headers["location"]
            ada.post(f"{self.team}/members", {"user_id": cy.id, "role": "leader"}).expect(201)
            ada.post(f"{self.team}/members", {"user_id": bob.id}).expect(201)
            self.alone = self.root.post("/teams", {"name": "Alone"}).expect(201).headers["location"]
            self.root.post(f"{self.alone}/members", {"user_id": cy.id}).expect(201)
        with self.step("a token of the last release has the roles"):
            self.roles(bob, "admin")

    def roles(self, person, role):
        """Signs in, and looks for the role in the organization in both tokens."""
        organization = self.acme.rsplit("/", 1)[1]
        for token in (person.sign_in(), claims(person.tokens["id_token"])):
            assert token["organizations"] == {organization: role}, token

    def sent_again(self, key, body, made, route="/organizations"):
        answer = self.ada.post(route, body, idempotency_key=key).expect(201)
        assert answer.headers["idempotency-replayed"] == "true", answer
        assert answer.headers["location"].endswith(made["id"]), answer

    def present_release(self):
        ada, bob, cy, dan, fay = self.ada, self.bob, self.cy, self.dan, self.fay
        members = f"{self.acme}/members"
        with self.step("a request from before is sent again and done no second time"):
            self.sent_again("before", *self.first)
            ada.post("/organizations", {"name": "Else"}, idempotency_key="before").expect(422)
        with self.step("people sign in again, and their tokens have the roles from before"):
            self.roles(bob, "admin")
            gaps.PostAuthentication.fill(self.stack.emulator, self.stack, bob.event())
            gaps.PostAuthentication.fill(self.stack.emulator, self.stack, self.alan.event())
            assert set(self.alan.sign_in()["organizations"]) == {COMPILERS, RESEARCH}
        with self.step("an invitation from before is accepted, and a suspended member comes back"):
            dan.post(f"{members}/me/accept").expect(200)
            ada.patch(f"{members}/{fay.id}", {"status": "active"}).expect(200)
            fay.get(self.acme).expect(200)
        with self.step("what was written before is changed by its version, and the last owner stays"):
            tag = ada.get(self.acme).expect(200).headers["etag"]
            ada.patch(self.acme, {"metadata": {"plan": "platinum"}}, if_match=tag).expect(200)
            ada.patch(self.acme, {"metadata": {"plan": "lost"}}, if_match=tag).expect(412)
            ada.delete(f"{members}/me").expect(409, "last-owner")
            bob.patch(f"{members}/{cy.id}", {"role": "member"}).expect(200)
            cy.patch(self.team, {"description": "EMEA"}).expect(200)
            ada.delete(f"{self.team}/members/{bob.id}").expect(204)
        with self.step("what was deleted before is restored"):
            ada.post(f"{self.gone}/restore").expect(200)
            ada.delete(self.gone).expect(204)
        with self.step("names from before are taken, and tenants are apart"):
            ada.post("/organizations", {"name": " acme "}).expect(409, "name-taken")
            self.eve.patch(self.acme, {"name": "Mine"}).expect(404)
        with self.step("the present release writes more"):
            self.gil = self.known("gil")
            ada.post(members, {"user_id": self.gil.id, "role": "readonly"}).expect(201)
            self.gil.post(f"{members}/me/accept").expect(200)
            self.hal = self.known("hal")
            ada.post(members, {"user_id": self.hal.id, "role": "member"}).expect(201)
            body = {"name": "Later"}
            made = ada.post("/organizations", body, idempotency_key="after").expect(201)
            self.second = body, made.body
            self.later = made.headers["location"]
            team = ada.post(f"{self.acme}/teams", {"name": "Support"}).expect(201).headers["location"]
            ada.post(f"{team}/members", {"user_id": self.gil.id}).expect(201)
            self.root.call("PUT", "/users/ivy", {"email": "ivy@acme.example"}).expect(201)
        with self.step("a route that only the present release has is there"):
            self.root.post(f"{self.alone}/restore").expect(200)

    def earlier_release_again(self):
        ada, bob = self.ada, self.bob
        members = f"{self.acme}/members"
        with self.step("after the roll-back, what both releases were asked before is done no second time"):
            self.sent_again("before", *self.first)
            # Release 0.1.0 cannot read the record that this release keeps: it fails, and creates nothing.
            body, made = self.second
            ada.post("/organizations", body, idempotency_key="after").expect(500)
            found = self.root.get("/organizations?name=Later").expect(200).body["items"]
            assert [one["id"] for one in found] == [made["id"]], found
        with self.step("people sign in, with the roles of both releases"):
            self.roles(bob, "admin")
            self.roles(self.dan, "manager")
            self.roles(self.gil, "readonly")
            gaps.PostAuthentication.fill(self.stack.emulator, self.stack, self.alan.event())
            assert set(self.alan.sign_in()["organizations"]) == {COMPILERS, RESEARCH}
        with self.step("what the present release wrote is changed"):
            self.hal.post(f"{members}/me/accept").expect(200)
            ada.patch(self.later, {"name": "Latest"}).expect(200)
            ada.delete(self.later).expect(204)
            ada.patch(self.acme, {"metadata": {"plan": "gold"}}).expect(200)
            bob.patch(f"{members}/{self.gil.id}", {"role": "member"}).expect(200)
            ada.delete(f"{members}/{self.fay.id}").expect(204)
            ada.delete(f"{members}/me").expect(409, "last-owner")
            assert self.root.get("/users/ivy").expect(200).body["email"] == "ivy@acme.example"
        with self.step("a route that only the present release has is gone"):
            self.root.post(f"{self.alone}/restore").expect(404)

    def deletion(self):
        emulator, outputs = self.stack.emulator, self.stack.outputs
        dynamodb, cognito = emulator.client("dynamodb"), emulator.client("cognito-idp")
        functions = emulator.client("lambda")
        table, pool = outputs["TableName"], outputs["UserPoolId"]
        count = dynamodb.scan(TableName=table, Select="COUNT")["Count"]
        with self.step("the stack is deleted, and its functions with it"):
            function = self.stack.resources["GetOrganization"]
            functions.get_function(FunctionName=function)
            self.stack.delete()
            try:
                functions.get_function(FunctionName=function)
                raise AssertionError("a function is left")
            except functions.exceptions.ResourceNotFoundException:
                pass
        with self.step("table and user pool stay, with all that is in them"):
            assert dynamodb.scan(TableName=table, Select="COUNT")["Count"] == count > 0
            cognito.admin_get_user(UserPoolId=pool, Username=self.ada.email)
        with self.step("both are protected against deletion"):
            try:
                dynamodb.delete_table(TableName=table)
                raise AssertionError("the table is deleted")
            except ClientError as error:
                assert "protected against deletion" in str(error), error
            told = cognito.describe_user_pool(UserPoolId=pool)["UserPool"]
            assert told["DeletionProtection"] == "ACTIVE", told
