//! Web forms: what a site's server signs becomes a lead, and nothing else does.

use reqwest::Client;
use serde_json::{Value, json};
use waypost::web_form::signature::sign;

use crate::world::{World, start};

async fn submit(url: &str, body: &str, signature: &str) -> (u16, Value) {
    let request =
        Client::new().post(url).header("Content-Type", "application/json").header("Waypost-Signature", signature);
    let answer = request.body(body.to_owned()).send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn what_a_site_signs_becomes_a_lead() {
    let world = World::new().await;
    let (admin, chen) = (world.admin().await, world.manager("Chen Hua").await);
    let wanted = json!({ "name": "Contact page", "source": "web", "region": "Shanghai" });
    chen.post("/v1/web-forms", wanted.clone()).await.expect(403);
    let made = admin.post("/v1/web-forms", wanted).await.expect(201);
    let (secret, form) = (made.text("/secret"), made.text("/webForm/formId"));
    let listed = admin.get("/v1/web-forms").await.expect(200);
    assert_eq!(listed.each("formId"), [form.as_str()]);
    assert!(!listed.body.to_string().contains(&secret), "the secret is shown once");

    let url = format!("{}/v1/web-forms/{form}", world.url);
    let now = start().timestamp();
    let body =
        json!({ "name": "霍普光通信", "contactName": "王芳", "email": "wang@hopton.example", "note": "Please call" })
            .to_string();
    let good = sign(&secret, body.as_bytes(), now);
    let (status, taken) = submit(&url, &body, &good).await;
    assert_eq!(status, 201, "{taken:#}");
    let lead = chen.get(&format!("/v1/leads/{}", taken["leadId"].as_str().expect("an id"))).await.expect(200);
    assert_eq!((lead.text("/source"), lead.text("/region")), ("web".into(), "Shanghai".into()));
    assert_eq!((lead.text("/status"), lead.text("/contactName")), ("pooled".into(), "王芳".into()));

    // Sent again it is the same lead; another visitor from the same company is found to be like it.
    assert_eq!(submit(&url, &body, &good).await, (201, taken.clone()));
    assert_eq!(chen.get("/v1/leads").await.expect(200).items().len(), 1);
    let again = json!({ "name": "霍普光通信", "email": "wang@hopton.example" }).to_string();
    let (_, second) = submit(&url, &again, &sign(&secret, again.as_bytes(), now)).await;
    let second = chen.get(&format!("/v1/leads/{}", second["leadId"].as_str().expect("an id"))).await.expect(200);
    assert_eq!(second.body["likenesses"]["records"][0]["id"], taken["leadId"]);

    let late = sign(&secret, body.as_bytes(), now - 301);
    let unknown = url.replace(&form, "wpf_nobody");
    for (url, body, signature, expected) in [
        (&url, &body, late.as_str(), 401),
        (&url, &again, &good, 401),
        (&url, &body, &sign("wps_guessed", body.as_bytes(), now), 401),
        (&url, &body, "v1=00", 400),
        (&unknown, &body, &good, 404),
        (&url, &"{}".to_owned(), &sign(&secret, b"{}", now), 400),
    ] {
        let (status, told) = submit(url, body, signature).await;
        assert_eq!(status, expected, "{signature}: {told:#}");
        assert!(told["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{told:#}");
    }
    assert_eq!(chen.get("/v1/leads").await.expect(200).items().len(), 2);

    World::new().await.admin().await.delete(&format!("/v1/web-forms/{form}")).await.expect(404);
    admin.delete(&format!("/v1/web-forms/{form}")).await.expect(204);
    let third = json!({ "name": "Too late" }).to_string();
    assert_eq!(submit(&url, &third, &sign(&secret, third.as_bytes(), now)).await.0, 404);
}
