//! What can go wrong between a bot and the server, and when.
//! Invariant: a planned fault is used up by the calls it meets, in the order in which they come.
//! It must not know how a fault is carried out on a socket.

use corvid_core::wire::Millis;
use serde::{Deserialize, Serialize};

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// 429, not acted on; the bot may come back after so many seconds.
    Busy {
        /// Seconds.
        retry_after: u32,
    },
    /// A refusal in so many words, not acted on.
    Status {
        /// The code, which is the HTTP status as well.
        code: u16,
        /// The description.
        description: String,
    },
    /// The connection closes before the call is acted on.
    CutBefore,
    /// The call is acted on, and the connection closes without an answer.
    CutAfter,
    /// The connection is reset before the call is acted on.
    ResetBefore,
    /// The call is acted on, and the connection is reset without an answer.
    ResetAfter,
    /// The call is acted on, and its answer is a page of a proxy.
    Garbage,
    /// The call is acted on, and the answer never comes.
    Silence,
    /// The call waits for so many milliseconds of real time, and is then acted on as usual.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
}

/// A fault and the calls that it meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What happens.
    pub fault: Fault,
    /// The method that it happens to, e.g. `sendMessage`; any if none.
    #[serde(default)]
    pub method: Option<String>,
    /// The chat that it happens to; any if none.
    #[serde(default)]
    pub chat: Option<i64>,
    /// How many calls go well before the first that it happens to.
    #[serde(default)]
    pub skip: u32,
    /// How often it happens; until it is lifted, if none.
    #[serde(default)]
    pub times: Option<u32>,
    /// Until when it happens, by the server's clock.
    #[serde(default)]
    pub until: Option<Millis>,
}

impl Plan {
    /// It happens to the next call, whatever that is.
    pub fn once(fault: Fault) -> Self {
        Self {
            times: Some(1),
            ..Self::always(fault)
        }
    }

    /// It happens to every call until it is lifted.
    pub fn always(fault: Fault) -> Self {
        Self {
            fault,
            method: None,
            chat: None,
            skip: 0,
            times: None,
            until: None,
        }
    }

    /// An outage: every connection is reset, until that time by the server's clock.
    pub fn outage_until(time: Millis) -> Self {
        Self {
            until: Some(time),
            ..Self::always(Fault::ResetBefore)
        }
    }

    /// Only calls of this method.
    #[must_use]
    pub fn on(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Only calls about this chat.
    #[must_use]
    pub fn in_chat(mut self, chat: i64) -> Self {
        self.chat = Some(chat);
        self
    }

    /// So many calls go well first.
    #[must_use]
    pub fn after(mut self, calls: u32) -> Self {
        self.skip = calls;
        self
    }

    /// It happens so often.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    fn meets(&self, method: &str, chat: Option<i64>, now: Millis) -> bool {
        self.method
            .as_ref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && (self.chat.is_none() || self.chat == chat)
            && self.times != Some(0)
            && self.until.is_none_or(|until| now < until)
    }
}

/// Takes the fault that a call meets out of the plans, if there is one.
pub(super) fn take(
    plans: &mut Vec<Plan>,
    method: &str,
    chat: Option<i64>,
    now: Millis,
) -> Option<Fault> {
    plans.retain(|plan| plan.times != Some(0) && plan.until.is_none_or(|until| now < until));
    for plan in plans
        .iter_mut()
        .filter(|plan| plan.meets(method, chat, now))
    {
        if plan.skip > 0 {
            plan.skip -= 1;
            continue;
        }
        if let Some(times) = &mut plan.times {
            *times -= 1;
        }
        return Some(plan.fault.clone());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_used_up_by_the_calls_it_meets() {
        let plan = Plan::once(Fault::CutAfter).on("sendMessage").after(1);
        let mut plans = vec![plan];
        let mut meets = |method| take(&mut plans, method, Some(1), 0).is_some();
        assert!(!meets("getMe"));
        assert!(!meets("sendMessage"));
        assert!(meets("sendMessage"));
        assert!(!meets("sendMessage"));
    }

    #[test]
    fn a_plan_that_waits_holds_up_no_other() {
        let mut plans = vec![
            Plan::once(Fault::CutAfter).after(1),
            Plan::once(Fault::CutBefore).on("getMe"),
        ];
        let mut next = |method| take(&mut plans, method, None, 0);
        assert_eq!(next("getMe"), Some(Fault::CutBefore));
        assert_eq!(next("getMe"), Some(Fault::CutAfter));
        assert_eq!(next("getMe"), None);
    }

    #[test]
    fn an_outage_ends_by_the_clock() {
        let mut plans = vec![Plan::outage_until(1_000)];
        let mut meets = |now| take(&mut plans, "getMe", None, now).is_some();
        assert!(meets(0) && meets(999));
        assert!(!meets(1_000));
    }
}
