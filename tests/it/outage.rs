//! Half an hour without the messenger, without the model, and without both, by a clock that the test moves: whatever
//! was accepted is answered afterwards, once.
//! Invariant: no time passes but by the clock; verdicts come from the chat and the fakes' ledgers.
//! It must not know how anything is tried again.

use std::io;
use std::time::{Duration, Instant};

use corvid_core::Clock as _;
use corvid_testkit::model_server::{Fault as ModelFault, Reply, Script, When};
use corvid_testkit::telegram::{Fault, Mode, Plan};
use corvid_testkit::{ClockServer, LIMIT, ModelServer};
use tokio::runtime::Runtime;

use crate::daemon::{ADA, BOB, Stage};

/// When every test begins.
const START: i64 = 1_800_000_000_000;

/// How long an outage lasts, in milliseconds.
const OUTAGE_MS: i64 = 30 * 60_000;

/// What is said of an answer that comes late.
const LATE: &str = "recovered: this comes late";

/// How often a model is asked in vain until half an hour is over, and some minutes more.
const REFUSALS: u32 = 30;

/// Between two moments of the program's time, at most so much real time for what is under way.
const MOMENT: Duration = Duration::from_millis(3);

/// A daemon for two people, and the time that it goes by.
struct Outage {
    stage: Stage,
    clock: ClockServer,
    runtime: Runtime,
}

impl Outage {
    fn new(script: Script) -> io::Result<Self> {
        let clock = ClockServer::start(START)?;
        let stage = Stage::new(script)?
            .set("CORVID_CLOCK", &clock.address().to_string())
            .set("CORVID__TELEGRAM__OWNERS", &format!("{ADA},{BOB}"))
            .started()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        Ok(Self {
            stage,
            clock,
            runtime,
        })
    }

    /// Goes to the next moment for which the program waits; the time it is then.
    fn step(&self) -> io::Result<i64> {
        let next = self.clock.clock().next_wait();
        let next = async { tokio::time::timeout(LIMIT, next).await };
        let next = self.runtime.block_on(next)?;
        Ok(self.clock.clock().set(next))
    }

    /// Lets so much time pass, from one moment to the next.
    fn pass(&self, ms: i64) -> io::Result<()> {
        let until = self.clock.clock().now() + ms;
        while self.step()? < until {}
        Ok(())
    }

    /// Lets time pass until it is as asked.
    fn until(&self, done: impl Fn(&Stage) -> io::Result<bool>) -> io::Result<()> {
        let began = Instant::now();
        while !self
            .stage
            .telegram()
            .wait_for(MOMENT, |_| done(&self.stage))?
        {
            assert!(
                began.elapsed() < LIMIT,
                "it does not come: {:?}",
                self.stage.telegram().chat(ADA)?.bot_texts()
            );
            self.step()?;
        }
        Ok(())
    }

    /// Waits until the daemon listens.
    fn listens(&self) -> io::Result<()> {
        self.until(|stage| Ok(!stage.telegram().calls_of("getUpdates")?.is_empty()))
    }

    /// The messenger is away from now on, and what people write meanwhile stays with it.
    fn messenger_fails(&self) -> io::Result<()> {
        // The poll that is under way is answered as ever.
        self.stage.telegram().updates(Mode {
            held: true,
            ..Mode::default()
        })?;
        self.stage
            .telegram()
            .fault(Plan::always(Fault::ResetBefore))
    }

    /// It is there again.
    fn messenger_comes_back(&self) -> io::Result<()> {
        self.stage.telegram().updates(Mode::default())?;
        self.stage.telegram().lift()
    }

    /// Waits until the person has the answer to this, and checks that it comes once. `is_late` says that it must say
    /// so; else it may, since the time that passes between two moments is this test's own.
    fn is_answered_once(&self, person: i64, text: &str, is_late: bool) -> io::Result<()> {
        let answer = format!("answer to {text}");
        self.until(|stage| Ok(stage.count(person, &answer)? > 0))?;
        self.until(|stage| Ok(stage.telegram().pending()? == 0))?;
        // Whatever would come twice does so by now.
        self.pass(120_000)?;
        let chat = self.stage.telegram().chat(person)?;
        let answers: Vec<&str> = chat.bot_texts();
        let answers: Vec<&&str> = answers.iter().filter(|t| t.contains(&answer)).collect();
        assert_eq!(answers.len(), 1, "{:?}", chat.bot_texts());
        assert!(!is_late || answers[0].contains(LATE), "{answers:?}");
        let left = chat.bot_texts().iter().filter(|text| **text == "…").count();
        // A call that times out by this clock may have been heard all the same.
        assert!(left <= 1, "{:?}", chat.bot_texts());
        let model = self.stage.scene().model();
        assert_eq!(model.map(ModelServer::violations), Some(Vec::new()));
        Ok(())
    }
}

fn answering() -> Script {
    Script::new()
        .on(
            When::user("before"),
            Reply::text("answer to {{user}}").gate("away"),
        )
        .otherwise(Reply::text("answer to {{user}}"))
}

/// A model that is away for so many requests.
fn away() -> Script {
    Script::new()
        .times(REFUSALS, When::any(), Reply::fault(ModelFault::Refuse))
        .otherwise(Reply::text("answer to {{user}}"))
}

fn open(stage: &Stage) {
    if let Some(model) = stage.scene().model() {
        model.open("away");
    }
}

#[test]
fn without_the_messenger_for_half_an_hour() -> io::Result<()> {
    let outage = Outage::new(answering())?;
    outage.listens()?;
    outage.stage.say(ADA, "before")?;
    outage.stage.rests()?;
    outage.stage.asks(1);
    outage.messenger_fails()?;
    open(&outage.stage);
    outage.stage.say(BOB, "within")?;
    outage.pass(OUTAGE_MS)?;
    assert_eq!(outage.stage.count(ADA, "answer")?, 0);
    outage.messenger_comes_back()?;
    outage.is_answered_once(ADA, "before", true)?;
    outage.is_answered_once(BOB, "within", false)
}

#[test]
fn without_the_model_for_half_an_hour() -> io::Result<()> {
    let outage = Outage::new(away())?;
    outage.listens()?;
    outage.stage.say(ADA, "before")?;
    outage.until(|stage| Ok(stage.count(ADA, "answer to before")? > 0))?;
    let took = outage.clock.clock().now() - START;
    assert!(took >= OUTAGE_MS, "{REFUSALS} refusals last {took} ms");
    outage.is_answered_once(ADA, "before", false)
}

#[test]
fn without_both_for_half_an_hour() -> io::Result<()> {
    let outage = Outage::new(away())?;
    outage.listens()?;
    outage.stage.say(ADA, "before")?;
    outage.stage.rests()?;
    outage.stage.asks(1);
    outage.messenger_fails()?;
    outage.stage.say(BOB, "within")?;
    outage.pass(OUTAGE_MS)?;
    outage.messenger_comes_back()?;
    outage.until(|stage| Ok(stage.count(ADA, "answer to before")? > 0))?;
    outage.is_answered_once(BOB, "within", false)?;
    assert_eq!(outage.stage.count(ADA, "answer to before")?, 1);
    Ok(())
}
