"""What a client that openapi-python-client generated must be able to do against a live server: the story of
../typescript/story.ts, told in Python."""

import base64
import datetime
import io
import os
import uuid

from generated.waypost_client import AuthenticatedClient, Client
from generated.waypost_client.api.accounts import update_account
from generated.waypost_client.api.attachments import get_attachment_content, put_attachment_content
from generated.waypost_client.api.auth import login
from generated.waypost_client.api.opportunities import get_opportunity
from generated.waypost_client.api.sync import pull_changes, push_mutations
from generated.waypost_client.models import (
    AccountFields, AccountFieldsCustom, AccountKind, ActivityFields, ActivityKind, AdvanceOpportunity, AppealFields,
    AppealStatus, AttachmentFields, AttachmentKind, AttachmentState, Check, ClockReading, ContactFields, EntryKind, HoldStatus,
    Kind, LeadFields, LeadStatus, Login, Mutation, MutationKind, MutationOp, OpportunityFields, PlanFields, PlanStatus, PushRequest,
    PutAttachmentContentBody, ResultStatus, Ruling, StageKey, UpdateAccount, UpdateAccountClearItem,
)
from generated.waypost_client.types import UNSET, File

URL = os.environ["WAYPOST_URL"]
NOW = datetime.datetime.fromisoformat(os.environ["WAYPOST_NOW"])

# A picture of one pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def someone(email):
    """Logs in; a wrong password is a problem that a program can read."""
    who = {"tenant": os.environ["WAYPOST_TENANT"], "email": email}
    stranger = Client(base_url=URL)
    refused = login.sync_detailed(client=stranger, body=Login(password="not his password", **who))
    assert (refused.status_code, refused.parsed.type_) == (401, "/problems/unauthorized"), refused
    tokens = login.sync(client=stranger, body=Login(password=os.environ["WAYPOST_PASSWORD"], **who))
    return AuthenticatedClient(base_url=URL, token=tokens.access_token)


def pull(client):
    """All pages, from nothing."""
    held, pages, cursor, more = {}, 0, UNSET, True
    while more:
        page = pull_changes.sync(client=client, cursor=cursor, limit=3)
        held.update({(change.kind, change.id): change for change in page.changes})
        cursor, more, pages = page.cursor, page.has_more, pages + 1
    return held, pages


# The kinds that were pushed.
PUSHED = set()


def write(op, kind, record_id, **rest):
    PUSHED.add(kind)
    return Mutation(kind=kind, mutation_id=uuid.uuid4(), op=op, record_id=record_id, **rest)


def push(client, device, *mutations):
    sent = ClockReading(wall=NOW)
    answer = push_mutations.sync(client=client, body=PushRequest(device_id=device, sent=sent, mutations=list(mutations)))
    return answer.results


def applied(client, device, *mutations):
    results = push(client, device, *mutations)
    assert [result.status for result in results] == [ResultStatus.APPLIED] * len(mutations), results
    return results


def main():
    rep, manager = someone(os.environ["WAYPOST_REP"]), someone(os.environ["WAYPOST_MANAGER"])
    before, pages = pull(rep)
    assert pages > 1, "a tenant has more than three records"

    # One of each kind, written offline; None is what Kotlin and Dart send for a field that holds nothing.
    device, account, contact, opportunity, plan, activity, photo, appeal, lead = (uuid.uuid4() for _ in range(9))
    fine = next(id for (what, id), change in before.items()
                if what == Kind.POINTS_ENTRY and change.points_entry.kind == EntryKind.FINE)
    hold = next(id for what, id in before if what == Kind.HOLD)
    create, kind = MutationOp.CREATE, MutationKind
    here = Check(at=NOW, latitude=31.2304, longitude=121.4737)
    mutations = [
        write(create, kind.ACCOUNT, account, base_revision=None, account=AccountFields(
            kind=AccountKind.BUSINESS, name="霍普光通信", note=None, annual_revenue="999999999999.9999",
            custom=AccountFieldsCustom.from_dict({"shelfMetres": "12.50"}))),
        write(create, kind.CONTACT, contact, contact=ContactFields(account_id=account, name="Lin Wei", phone=None)),
        write(create, kind.OPPORTUNITY, opportunity, opportunity=OpportunityFields(
            account_id=account, name="Switches", amount="123456789012.3456", currency="CNY",
            expected_on=datetime.date(2028, 2, 29))),
        write(create, kind.PLAN, plan, plan=PlanFields(account_id=account, planned_on=datetime.date(2027, 12, 31))),
        write(create, kind.ACTIVITY, activity, activity=ActivityFields(
            account_id=account, kind=ActivityKind.VISIT, plan_id=plan, occurred=NOW, check_in=here)),
        write(MutationOp.ADVANCE, kind.OPPORTUNITY, opportunity, advance=AdvanceOpportunity(stage=StageKey.PRE_SALE)),
        write(create, kind.ATTACHMENT, photo, attachment=AttachmentFields(
            account_id=account, activity_id=activity, kind=AttachmentKind.PHOTO, file_name="shelf.png")),
        write(create, kind.APPEAL, appeal, appeal=AppealFields(entry_id=fine, reason="The phone was in repair.")),
    ]
    results = applied(rep, device, *mutations)
    assert push(rep, device, *mutations) == results, "the same push has the same results"
    # What only a manager decides, and a lead that the rep picks.
    applied(
        manager, uuid.uuid4(),
        write(create, kind.LEAD, lead, lead=LeadFields(name="上海同创", source="fair")),
        write(MutationOp.RELEASE, kind.HOLD, hold, ruling=Ruling(reason="He was there twice.")),
        write(MutationOp.GRANT, kind.APPEAL, appeal, ruling=Ruling(reason="Asked the shop.")),
    )
    applied(rep, device, write(MutationOp.CLAIM, kind.LEAD, lead))

    # A conflict: the manager was faster. And a problem that a program can read.
    seen = results[0].revision
    faster = UpdateAccount(name="Hopton Optics", clear=[UpdateAccountClearItem.ANNUALREVENUE])
    faster = update_account.sync(account, client=manager, body=faster, if_match=f'"{seen}"')
    assert faster.name == "Hopton Optics", faster
    conflict, refused, mistyped = push(
        rep, uuid.uuid4(),
        write(MutationOp.UPDATE, kind.ACCOUNT, account, base_revision=seen,
              account=AccountFields(name="Hopton", website="https://hopton.example")),
        write(create, kind.CONTACT, uuid.uuid4(), contact=ContactFields(account_id=uuid.uuid4(), name="Nobody")),
        write(MutationOp.UPDATE, kind.ACCOUNT, account,
              account=AccountFields(custom=AccountFieldsCustom.from_dict({"shelfMetres": "many"}))),
    )
    assert (conflict.status, conflict.conflicts) == (ResultStatus.CONFLICT, ["name"]), conflict
    assert refused.status == ResultStatus.REJECTED and refused.problem.errors[0].pointer == "/accountId", refused
    assert mistyped.problem.errors[0].pointer == "/custom/shelfMetres", mistyped

    # PATCH with If-Match.
    stale = update_account.sync_detailed(account, client=rep, body=UpdateAccount(name="Late"), if_match=f'"{seen}"')
    assert (stale.status_code, stale.parsed.type_) == (412, "/problems/revision_mismatch"), stale

    # A photo: its record was pushed, its file follows. What is no photo is refused, and another file is welcome.
    send = lambda content: put_attachment_content.sync_detailed(
        photo, client=rep, body=PutAttachmentContentBody(file=File(payload=io.BytesIO(content), file_name="shelf.png")))
    wrong = send(b"no photo")
    assert (wrong.status_code, wrong.parsed.type_) == (422, "/problems/file_refused"), wrong
    ready = send(PIXEL).parsed
    assert (ready.state, ready.content_type, ready.bytes_) == (AttachmentState.READY, "image/png", len(PIXEL)), ready
    assert get_attachment_content.sync(photo, client=rep).payload.read() == PIXEL

    # What was written came back whole.
    kept = get_opportunity.sync(opportunity, client=rep)
    told = (kept.amount, kept.expected_on, kept.stage)
    assert told == ("123456789012.3456", datetime.date(2028, 2, 29), StageKey.PRE_SALE), kept
    held, _ = pull(rep)
    company = held[Kind.ACCOUNT, account].account
    told = (company.name, company.website, company.annual_revenue)
    assert told == ("Hopton Optics", "https://hopton.example", UNSET), company
    assert company.custom.to_dict() == {"shelfMetres": "12.5"}, company
    visit = held[Kind.ACTIVITY, activity].activity
    assert (visit.check_in.longitude, visit.occurred) == (121.4737, NOW), visit
    assert held[Kind.PLAN, plan].plan.status == PlanStatus.FULFILLED
    assert held[Kind.CONTACT, contact].contact.name == "Lin Wei"
    assert held[Kind.APPEAL, appeal].appeal.status == AppealStatus.GRANTED
    assert held[Kind.HOLD, hold].hold.status == HoldStatus.RELEASED
    assert held[Kind.LEAD, lead].lead.status == LeadStatus.CLAIMED
    # What was refused is kept, until its author has seen it.
    lost = [change.rejected_write for change in held.values() if change.kind == Kind.REJECTED_WRITE and not change.deleted]
    lost = next(one for one in lost if one.record_id == account and "Hopton" in one.fields)
    applied(rep, device, write(MutationOp.DELETE, kind.REJECTED_WRITE, lost.id))
    assert PUSHED == set(MutationKind), set(MutationKind) - PUSHED
    print(f"told: {pages} pages, {len(mutations)} writes, {len(held)} records")


main()
