import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.Base64;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import waypost.ApiClient;
import waypost.ApiException;
import waypost.api.AccountsApi;
import waypost.api.AttachmentsApi;
import waypost.api.AuthApi;
import waypost.api.OpportunitiesApi;
import waypost.api.SyncApi;
import waypost.model.*;

/**
 * What a client that openapi-generator made for Java must be able to do against a live server: the story of
 * ../typescript/story.ts, told in Java. Every field that holds nothing is sent as null, as Kotlin and Dart do by default.
 */
public class Story {
    static final OffsetDateTime NOW = OffsetDateTime.parse(env("WAYPOST_NOW"));

    /** A picture of one pixel. */
    static final byte[] PIXEL = Base64.getDecoder().decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");

    static String env(String name) {
        return Objects.requireNonNull(System.getenv(name), name);
    }

    static void equal(Object is, Object should) {
        if (!Objects.equals(is, should)) throw new AssertionError(is + " is not " + should);
    }

    static void hold(boolean held, Object told) {
        if (!held) throw new AssertionError(told);
    }

    interface Call {
        Object run() throws ApiException;
    }

    /** The problem that a call fails with, read as the document describes it. */
    static Problem problem(int status, Call call) throws Exception {
        try {
            throw new AssertionError("not refused: " + call.run());
        } catch (ApiException refused) {
            equal(refused.getCode(), status);
            return ApiClient.createDefaultObjectMapper().readValue(refused.getResponseBody(), Problem.class);
        }
    }

    static ApiClient client() {
        ObjectMapper mapper = ApiClient.createDefaultObjectMapper();
        mapper.setSerializationInclusion(JsonInclude.Include.ALWAYS);
        ApiClient client = new ApiClient();
        client.setObjectMapper(mapper);
        client.updateBaseUri(env("WAYPOST_URL"));
        return client;
    }

    /** Logs in; a wrong password is a problem that a program can read. */
    static ApiClient someone(String email) throws Exception {
        Login login = new Login().tenant(env("WAYPOST_TENANT")).email(email);
        AuthApi auth = new AuthApi(client());
        equal(problem(401, () -> auth.login(login.password("not his password"))).getType(), "/problems/unauthorized");
        String token = auth.login(login.password(env("WAYPOST_PASSWORD"))).getAccessToken();
        ApiClient client = client();
        client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + token));
        return client;
    }

    /** All pages, from nothing; the number of pages is kept under the empty key. */
    static Map<String, SyncChange> pull(SyncApi sync) throws ApiException {
        Map<String, SyncChange> held = new HashMap<>();
        String cursor = null;
        int pages = 0;
        for (boolean more = true; more; pages += 1) {
            SyncPage page = sync.pullChanges(cursor, 3, null);
            for (SyncChange change : page.getChanges()) held.put(change.getKind() + " " + change.getId(), change);
            cursor = page.getCursor();
            more = page.getHasMore();
        }
        hold(pages > 1, "a tenant has more than three records");
        return held;
    }

    /** The kinds that were pushed. */
    static final Set<MutationKind> PUSHED = EnumSet.noneOf(MutationKind.class);

    static Mutation write(MutationOp op, MutationKind kind, UUID id) {
        PUSHED.add(kind);
        return new Mutation().mutationId(UUID.randomUUID()).op(op).kind(kind).recordId(id);
    }

    static List<MutationResult> push(SyncApi sync, UUID device, Mutation... mutations) throws ApiException {
        PushRequest request = new PushRequest().deviceId(device).sent(new ClockReading().wall(NOW)).mutations(List.of(mutations));
        return sync.pushMutations(request).getResults();
    }

    static List<MutationResult> applied(SyncApi sync, UUID device, Mutation... mutations) throws ApiException {
        List<MutationResult> results = push(sync, device, mutations);
        for (MutationResult result : results) hold(result.getStatus() == ResultStatus.APPLIED, result);
        equal(results.size(), mutations.length);
        return results;
    }

    public static void main(String[] arguments) throws Exception {
        ApiClient rep = someone(env("WAYPOST_REP"));
        ApiClient manager = someone(env("WAYPOST_MANAGER"));
        SyncApi sync = new SyncApi(rep);
        Map<String, SyncChange> before = pull(sync);
        UUID fine = before.values().stream().map(SyncChange::getPointsEntry).filter(Objects::nonNull)
            .filter(entry -> entry.getKind() == EntryKind.FINE).findAny().orElseThrow().getId();
        UUID hold = before.values().stream().filter(change -> change.getKind() == Kind.HOLD).findAny().orElseThrow().getId();

        // One of each kind, written offline.
        UUID device = UUID.randomUUID(), account = UUID.randomUUID(), contact = UUID.randomUUID(), opportunity = UUID.randomUUID();
        UUID plan = UUID.randomUUID(), activity = UUID.randomUUID(), photo = UUID.randomUUID();
        UUID appeal = UUID.randomUUID(), lead = UUID.randomUUID();
        Check here = new Check().at(NOW).latitude(31.2304).longitude(121.4737);
        Mutation[] mutations = {
            write(MutationOp.CREATE, MutationKind.ACCOUNT, account)
                .account(new AccountFields().kind(AccountKind.BUSINESS).name("霍普光通信").annualRevenue("999999999999.9999")
                    .custom(new HashMap<>(Map.of("shelfMetres", "12.50")))),
            write(MutationOp.CREATE, MutationKind.CONTACT, contact).contact(new ContactFields().accountId(account).name("Lin Wei")),
            write(MutationOp.CREATE, MutationKind.OPPORTUNITY, opportunity).opportunity(new OpportunityFields()
                .accountId(account).name("Switches").amount("123456789012.3456").currency("CNY").expectedOn(LocalDate.of(2028, 2, 29))),
            write(MutationOp.CREATE, MutationKind.PLAN, plan).plan(new PlanFields().accountId(account).plannedOn(LocalDate.of(2027, 12, 31))),
            write(MutationOp.CREATE, MutationKind.ACTIVITY, activity).activity(new ActivityFields().accountId(account)
                .kind(ActivityKind.VISIT).planId(plan).occurred(NOW).summary("Showed the switch").checkIn(here)),
            write(MutationOp.ADVANCE, MutationKind.OPPORTUNITY, opportunity).advance(new AdvanceOpportunity().stage(StageKey.PRE_SALE)),
            write(MutationOp.CREATE, MutationKind.ATTACHMENT, photo).attachment(new AttachmentFields()
                .accountId(account).activityId(activity).kind(AttachmentKind.PHOTO).fileName("shelf.png")),
            write(MutationOp.CREATE, MutationKind.APPEAL, appeal).appeal(new AppealFields().entryId(fine).reason("The phone was in repair.")),
        };
        List<MutationResult> results = applied(sync, device, mutations);
        equal(push(sync, device, mutations), results);
        // What only a manager decides, and a lead that the rep picks.
        applied(new SyncApi(manager), UUID.randomUUID(),
            write(MutationOp.CREATE, MutationKind.LEAD, lead).lead(new LeadFields().name("上海同创").source("fair").phone("+86 21 5555 0199")),
            write(MutationOp.RELEASE, MutationKind.HOLD, hold).ruling(new Ruling().reason("He was there twice.")),
            write(MutationOp.GRANT, MutationKind.APPEAL, appeal).ruling(new Ruling().reason("Asked the shop.")));
        applied(sync, device, write(MutationOp.CLAIM, MutationKind.LEAD, lead));

        // A conflict: the manager was faster. And a problem that a program can read.
        int seen = results.get(0).getRevision();
        UpdateAccount faster = new UpdateAccount().name("Hopton Optics").addClearItem(UpdateAccount.ClearEnum.ANNUAL_REVENUE);
        new AccountsApi(manager).updateAccount(account, faster, "\"" + seen + "\"");
        AccountFields slower = new AccountFields().name("Hopton").website("https://hopton.example");
        List<MutationResult> late = push(sync, UUID.randomUUID(),
            write(MutationOp.UPDATE, MutationKind.ACCOUNT, account).baseRevision(seen).account(slower),
            write(MutationOp.CREATE, MutationKind.CONTACT, UUID.randomUUID()).contact(new ContactFields().accountId(UUID.randomUUID()).name("Nobody")));
        equal(late.get(0).getStatus(), ResultStatus.CONFLICT);
        equal(late.get(0).getConflicts(), List.of("name"));
        equal(late.get(1).getStatus(), ResultStatus.REJECTED);
        equal(late.get(1).getProblem().getErrors().get(0).getPointer(), "/accountId");

        // PATCH with If-Match.
        UpdateAccount stale = new UpdateAccount().name("Too late");
        Problem mismatch = problem(412, () -> new AccountsApi(rep).updateAccount(account, stale, "\"" + seen + "\""));
        equal(mismatch.getType(), "/problems/revision_mismatch");

        // A photo: its record was pushed, its file follows. What is no photo is refused, and another file is welcome.
        AttachmentsApi attachments = new AttachmentsApi(rep);
        Path file = Files.createTempFile("shelf", ".png");
        try {
            Files.writeString(file, "no photo");
            equal(problem(422, () -> attachments.putAttachmentContent(photo, file.toFile())).getType(), "/problems/file_refused");
            Files.write(file, PIXEL);
            Attachment ready = attachments.putAttachmentContent(photo, file.toFile());
            equal(List.of(ready.getState(), ready.getContentType(), ready.getBytes()),
                List.of(AttachmentState.READY, "image/png", (long) PIXEL.length));
        } finally {
            Files.delete(file);
        }

        // What was written came back whole.
        Opportunity kept = new OpportunitiesApi(rep).getOpportunity(opportunity);
        equal(kept.getAmount(), "123456789012.3456");
        equal(kept.getExpectedOn(), LocalDate.of(2028, 2, 29));
        equal(kept.getStage(), StageKey.PRE_SALE);
        Map<String, SyncChange> held = pull(sync);
        Account company = held.get("account " + account).getAccount();
        equal(List.of(company.getName(), company.getWebsite()), List.of("Hopton Optics", "https://hopton.example"));
        equal(company.getAnnualRevenue(), null);
        equal(company.getCustom(), Map.of("shelfMetres", "12.5"));
        Activity visit = held.get("activity " + activity).getActivity();
        equal(visit.getCheckIn().getLongitude(), 121.4737);
        hold(visit.getOccurred().isEqual(NOW), visit);
        equal(held.get("plan " + plan).getPlan().getStatus(), PlanStatus.FULFILLED);
        equal(held.get("contact " + contact).getContact().getName(), "Lin Wei");
        equal(held.get("appeal " + appeal).getAppeal().getStatus(), AppealStatus.GRANTED);
        equal(held.get("hold " + hold).getHold().getStatus(), HoldStatus.RELEASED);
        equal(held.get("lead " + lead).getLead().getStatus(), LeadStatus.CLAIMED);
        // What was refused is kept, until its author has seen it.
        RejectedWrite lost = held.values().stream().map(SyncChange::getRejectedWrite).filter(Objects::nonNull)
            .filter(one -> one.getRecordId().equals(account) && one.getFields().contains("Hopton")).findAny().orElseThrow();
        applied(sync, device, write(MutationOp.DELETE, MutationKind.REJECTED_WRITE, lost.getId()));
        equal(PUSHED, EnumSet.allOf(MutationKind.class));
        System.out.println("told: " + mutations.length + " writes, " + held.size() + " records");
    }
}
