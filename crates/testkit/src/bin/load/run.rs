//! The measurements of `corvid-load run`: one-shot turns, restart, large outputs.
//! Invariant: every figure comes from a process that did the whole thing and succeeded.
//! It must not know what a figure is held to, nor how it is shown.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use corvid_testkit::model_server::{Entry, Reply, Script, When};
use corvid_testkit::{LIMIT, ModelServer, Process, Scene, StateFile};
use serde_json::{Value, json};

use crate::cost::{Cost, cost_of};
use crate::floor;
use crate::report::{Report, Spread, Turn};

/// A model for every turn that is measured: the text says which tool it calls first.
fn script() -> Script {
    let command = |line: &str| Reply::call("system.run", &json!({ "command": line }));
    let tool = |name: &str| When::user(name).results(0);
    Script::new()
        .on(
            tool("list"),
            Reply::call("file.list", &json!({ "path": "." })),
        )
        .on(tool("command"), command("true"))
        .on(
            tool("flood"),
            command("head -c 300000000 /dev/zero | tr '\\0' x"),
        )
        .on(tool("hold"), Reply::text("held").gate("held"))
        .otherwise(Reply::text("done"))
}

/// Measures everything, each thing `turns` times.
pub(crate) fn run(agent: &Path, turns: usize) -> Result<Report, Box<dyn Error>> {
    let scene = Scene::new(std::env::current_exe()?)?.with_model(script())?;
    let empty = floor::empty_program(scene.folder(), agent)?;
    // Makes the store and warms the caches.
    cost_of(&scene, agent, &["run", "-e", "list"])?;
    let bodies = requests(&scene, 0);
    let first_body = scene.model().map_or(0, |m| m.ledger()[0].body_bytes);
    let plain_peak = Turn::measure(&scene, agent, "command", 1)?.peak_kib;
    let flood = cost_of(&scene, agent, &["run", "-e", "flood"])?.0;
    Ok(Report {
        agent_bytes: std::fs::metadata(agent)?.len(),
        empty: Spread::of(walls(&scene, &empty, &[floor::EMPTY], turns)?),
        version: Spread::of(walls(&scene, agent, &["--version"], turns)?),
        server: Spread::of(floor::server_alone(&script(), &bodies, turns)?),
        turns: ["talk", "list", "command"]
            .into_iter()
            .map(|name| Turn::measure(&scene, agent, name, turns))
            .collect::<Result<_, _>>()?,
        first_body,
        restart: restart(agent)?,
        flood: (flood, flood.peak_kib - plain_peak),
    })
}

impl Turn {
    fn measure(
        scene: &Scene,
        agent: &Path,
        name: &'static str,
        turns: usize,
    ) -> Result<Self, Box<dyn Error>> {
        let file = StateFile::open(&scene.state())?;
        let before = file.log_mark()?;
        cost_of(scene, agent, &["run", "-e", name])?;
        let commits = file.commits_since(before)?;
        file.close()?;
        let mut disk = floor::Disk::new(&scene.state())?;
        let (mut costs, mut syncs) = (Vec::new(), Vec::new());
        for _ in 0..turns {
            syncs.push(disk.sync()?);
            costs.push(cost_of(scene, agent, &["run", "-e", name])?.0);
        }
        let total: i64 = costs.iter().map(|cost| cost.processor_us).sum();
        let mean = total / i64::try_from(costs.len().max(1))?;
        Ok(Self {
            name,
            wall: Spread::of(costs.iter().map(Cost::wall)),
            sync: Spread::of(syncs),
            processor: Duration::from_micros(u64::try_from(mean)?),
            peak_kib: costs.iter().map(|cost| cost.peak_kib).max().unwrap_or(0),
            commits,
        })
    }
}

fn walls(
    scene: &Scene,
    program: &Path,
    arguments: &[&str],
    count: usize,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    (0..count)
        .map(|_| Ok(cost_of(scene, program, arguments)?.0.wall()))
        .collect()
}

/// The bodies of the requests from the n-th on.
fn requests(scene: &Scene, from: usize) -> Vec<Value> {
    let ledger = scene.model().map(ModelServer::ledger).unwrap_or_default();
    ledger
        .into_iter()
        .skip(from)
        .map(|entry| entry.body)
        .collect()
}

/// From the start of a process to its first model call, for a turn that was killed in its first.
fn restart(agent: &Path) -> Result<Duration, Box<dyn Error>> {
    let scene = Scene::new(agent)?.with_model(script())?;
    let model = scene.model().ok_or("no model")?;
    let arguments = ["-s", "killed", "--id", "once", "-e", "hold"];
    let requests = |count: usize| move |entries: &[Entry]| entries.len() >= count;
    let killed: Process = scene.start_run(arguments)?;
    if !model.wait_for(LIMIT, requests(1)) {
        return Err(format!("no request came: {:?}", killed.kill()?).into());
    }
    killed.kill()?;
    let started = Instant::now();
    let again = scene.start_run(arguments)?;
    let came = model.wait_for(LIMIT, requests(2));
    let took = started.elapsed();
    model.open("held");
    let output = again.wait()?;
    if came && output.is_success() {
        Ok(took)
    } else {
        Err(format!("the killed turn was not resumed: {output:?}").into())
    }
}
