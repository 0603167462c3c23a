//! Asking Telegram once whether it knows a bot, for whoever sets one up.
//! Invariant: one question, and nothing is changed by it.
//! It must not know how messages are received or sent.

use corvid_core::Secret;

use super::api::{Api, ApiConfig, Fault};

/// The bot's name, `@corvid_bot`, as Telegram tells it.
///
/// # Errors
/// One sentence: the token is none or is refused, or Telegram is not reached.
pub async fn whoami(token: Secret, api_url: Option<String>) -> Result<String, String> {
    let api = Api::new(&ApiConfig { token, api_url })?;
    match api.me().await {
        Ok(me) => Ok(format!("@{}", me.username.unwrap_or_default())),
        Err(Fault::Unauthorized) => Err(
            "Telegram refuses the token; get one from @BotFather, then `agent config set telegram.token …` and `agent restart`"
                .to_owned(),
        ),
        Err(fault) => Err(format!("Telegram does not answer as it should: {fault}")),
    }
}

#[cfg(test)]
mod tests {
    use corvid_testkit::FakeTelegram;

    use super::*;

    #[tokio::test]
    async fn a_bot_is_known_until_its_token_is_revoked() {
        let fake = FakeTelegram::start().expect("a fake");
        let ask = async || whoami(Secret::new(fake.token()), Some(fake.url())).await;
        assert_eq!(ask().await.as_deref(), Ok("@corvid_bot"));
        fake.remote().revoke_token().expect("it is revoked");
        let refused = ask().await.expect_err("it is refused");
        assert!(refused.contains("refuses the token"), "{refused}");
        assert!(!refused.contains(fake.token()), "{refused}");
    }
}
