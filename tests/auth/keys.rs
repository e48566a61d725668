//! The public keys: what somebody else needs to verify our tokens.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use super::{AUDIENCE, ISSUER, World};

#[tokio::test]
async fn anybody_can_verify_a_token_with_the_published_keys() {
    let world = World::new().await;
    let user = world.user("rep").await;
    let token = world.log_in(&user).await.text("/accessToken");
    let response = reqwest::get(format!("{}/.well-known/jwks.json", world.url)).await.expect("an answer");
    assert_eq!(response.headers()["cache-control"], "public, max-age=300");
    let keys: JwkSet = response.json().await.expect("a JWK set");
    let kid = decode_header(&token).expect("a head").kid.expect("a kid");
    let key = DecodingKey::from_jwk(keys.find(&kid).expect("the key that signed")).expect("a key");
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    // The test's clock stands in its own time.
    validation.validate_exp = false;
    let claims = decode::<Value>(&token, &key, &validation).expect("verifies").claims;
    assert_eq!(claims["sub"], user.id.to_string());
    assert_eq!(claims["tid"], world.tenant.to_string());
    assert_eq!(claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(900));
}
