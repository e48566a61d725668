//! The page for imports, as a browser uses it.

use poem::http::StatusCode;
use reqwest::{Method, header};

use super::{Browser, world};
use crate::import::jobs::work;

impl Browser {
    /// Sends the form with a file.
    async fn upload(&self, site: &str, kind: &str, dry_run: &str, name: &str, content: &str) -> reqwest::Response {
        let part = |disposition: &str, content: &str| {
            format!("--b0undary\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n")
        };
        let body = [
            part(&format!("name=\"file\"; filename=\"{name}\""), content),
            part("name=\"kind\"", kind),
            part("name=\"mapping\"", ""),
            part("name=\"mappingOf\"", ""),
            part("name=\"dryRun\"", dry_run),
            "--b0undary--\r\n".to_owned(),
        ];
        let request = self.request(Method::POST, "/imports").header("sec-fetch-site", site);
        let request =
            request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=b0undary").body(body.concat());
        request.send().await.expect("an answer")
    }
}

fn location(answer: &reqwest::Response) -> String {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    answer.headers()[header::LOCATION].to_str().expect("text").to_owned()
}

#[tokio::test]
async fn an_admin_tries_a_file_looks_at_what_was_refused_and_imports_it() {
    let world = world().await;
    let admin = world.admin().await;
    let browser = Browser::of(&world, &admin).await;
    assert!(browser.page("/").await.contains("href=\"/imports\""));
    let file = "externalId,name,listPrice,currency\n1,<b>Switch</b>,1.50,CNY\n2,Router,cheap,CNY\n";
    let at = location(&browser.upload("same-origin", "product", "true", "products.csv", file).await);
    let page = browser.page(&at).await;
    assert!(page.contains("waiting") && page.contains("data-follow") && page.contains("<progress"), "{page}");
    work(&world).await;
    let page = browser.page(&at).await;
    assert!(page.contains("nothing was kept") && page.contains("Import now") && page.contains("UTF-8"), "{page}");
    let refused = browser.get(&format!("{at}/refused?file=products.csv")).await;
    assert_eq!(refused.headers()[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    assert!(refused.text().await.expect("text").contains("3,product,\"listPrice `cheap`"));
    assert!(admin.get("/v1/products").await.expect(200).items().is_empty());

    assert_eq!(location(&browser.post(&format!("{at}/apply"), &[]).await), at);
    work(&world).await;
    let page = browser.page(&at).await;
    assert!(page.contains("done") && !page.contains("Import now"), "{page}");
    assert_eq!(admin.get("/v1/products").await.expect(200).each("name"), ["<b>Switch</b>"]);
    assert!(browser.page("/imports").await.contains("products.csv"));

    // In words where it cannot be done; markup in a name is text.
    let wrong = browser.upload("same-origin", "product", "true", "p.csv", "%PDF-1.7").await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text().await.expect("text").contains("application/pdf"));
    let at = location(&browser.upload("same-origin", "product", "false", "<script>x</script>.csv", file).await);
    assert!(!browser.page(&at).await.contains("<script>x"));
    assert_eq!(location(&browser.post(&format!("{at}/cancel"), &[]).await), at);
    assert!(browser.page(&at).await.contains("cancelled"));
}

#[tokio::test]
async fn nobody_else_finds_the_page_and_no_other_site_posts_to_it() {
    let world = world().await;
    let (admin, manager) = (world.admin().await, world.manager("Mei Manager").await);
    let browser = Browser::of(&world, &manager).await;
    assert!(!browser.page("/").await.contains("href=\"/imports\""));
    assert_eq!(browser.get("/imports").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        browser.upload("same-origin", "product", "true", "p.csv", "externalId,name\n").await.status(),
        StatusCode::NOT_FOUND
    );
    let browser = Browser::of(&world, &admin).await;
    assert_eq!(
        browser.upload("cross-site", "product", "true", "p.csv", "externalId,name\n").await.status(),
        StatusCode::FORBIDDEN
    );
    let stranger = Browser::new(&world);
    assert!(location(&stranger.get("/imports").await).starts_with("/login"));
    assert!(admin.get("/v1/imports").await.expect(200).items().is_empty());
}
