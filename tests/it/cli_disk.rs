//! Disks that are full or read-only, and stores of another version: said plainly, and nothing lost.
//! Mounting needs root; without it those tests say so, and under `CI=true` they fail.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::Command;

use corvid_testkit::model_server::Script;
use corvid_testkit::{Output, Process, Scene};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};

use crate::stage::scene;

/// A disk of 16 MB at the scene's state folder; it goes with the test.
struct SmallDisk(PathBuf);

impl SmallDisk {
    #[expect(
        clippy::disallowed_methods,
        reason = "whether a test may be left out depends on who runs it"
    )]
    fn mount(scene: &Scene) -> io::Result<Option<Self>> {
        let folder = scene.state();
        fs::create_dir(&folder)?;
        let mounted = mount("none", &folder, "tmpfs", MountFlags::empty(), c"size=16m");
        match mounted {
            Ok(()) => Ok(Some(Self(folder))),
            Err(error) => {
                let strict = std::env::var("CI").is_ok_and(|value| value == "true");
                assert!(
                    !strict,
                    "a tmpfs must be mounted and cannot be: {error}; run it as root"
                );
                writeln!(
                    io::stderr(),
                    "left out: mounting a tmpfs needs root ({error})"
                )?;
                Ok(None)
            }
        }
    }

    /// Fills it to the last byte and returns the file that does.
    fn fill(&self) -> io::Result<PathBuf> {
        let path = self.0.join("filler");
        let mut file = File::create(&path)?;
        for size in [1 << 16, 1 << 10, 1] {
            let block = vec![0; size];
            while file.write_all(&block).is_ok() {}
        }
        Ok(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Detached rather than refused where a test that failed left files open.
        if unmount(&self.0, UnmountFlags::DETACH).is_err() {
            drop(writeln!(io::stderr(), "{} stays mounted", self.0.display()));
        }
    }
}

/// The agent in a shell that first limits how large a file it may write.
fn limited(scene: &Scene, arguments: &str) -> io::Result<Output> {
    let agent = scene.command();
    let program = agent.get_program().to_string_lossy().into_owned();
    let mut command = Command::new("sh");
    let line = format!("ulimit -f 10; exec {program} {arguments}");
    command.args(["-c", &line]).env_clear();
    for (name, value) in agent.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.current_dir(scene.work());
    Process::start(command, b"")?.wait()
}

#[test]
fn a_limit_on_the_size_of_files_is_named() -> io::Result<()> {
    let scene = scene()?.with_model(Script::echo())?;
    let refused = limited(&scene, "run --id k -e hello")?;
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    assert!(refused.stderr.contains("ulimit -f"), "{}", refused.stderr);
    let ask = ["--id", "k", "-e", "hello"];
    assert_eq!(scene.run(ask)?.stdout, "you said: hello\n");
    let later = limited(&scene, "run -e again")?;
    assert_eq!(later.code, Some(1), "{}", later.all());
    assert!(later.stderr.contains("ulimit -f"), "{}", later.stderr);
    assert_eq!(scene.run(ask)?.stdout, "you said: hello\n");
    Ok(())
}

#[test]
fn a_config_that_cannot_be_written_leaves_nothing_behind() -> io::Result<()> {
    let scene = scene()?;
    fs::create_dir_all(scene.home())?;
    let file = scene.home().join("config.toml");
    let long = "x".repeat(20_000);
    fs::write(&file, format!("# {long}\n"))?;
    let refused = limited(&scene, "config set turn.max_steps 7")?;
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    assert!(
        refused.stderr.contains("cannot be written"),
        "{}",
        refused.stderr
    );
    assert!(!file.with_file_name("config.toml.new").exists());
    assert_eq!(fs::read_to_string(&file)?, format!("# {long}\n"));
    Ok(())
}

#[test]
fn on_a_full_disk_nothing_is_promised_and_nothing_lost() -> io::Result<()> {
    let scene = scene()?.with_model(Script::echo())?;
    let Some(disk) = SmallDisk::mount(&scene)? else {
        return Ok(());
    };
    let before = ["-s", "x", "--id", "before", "-e", "before"];
    assert_eq!(scene.run(before)?.code, Some(0));
    let filler = disk.fill()?;
    let during = ["-s", "x", "--id", "during", "-e", "during"];
    let refused = scene.run(during)?;
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    assert!(
        refused.stderr.contains("the disk is full"),
        "{}",
        refused.stderr
    );
    assert_eq!(refused.stdout, "");
    fs::remove_file(filler)?;
    assert_eq!(scene.run(during)?.stdout, "you said: during\n");
    assert_eq!(scene.run(before)?.stdout, "you said: before\n");
    Ok(())
}

#[test]
fn a_command_that_writes_more_than_the_disk_holds_ends_its_turn() -> io::Result<()> {
    let scene = scene()?;
    let Some(_disk) = SmallDisk::mount(&scene)? else {
        return Ok(());
    };
    let loud = "run head -c 30000000 /dev/zero | tr '\\0' x; echo; echo the end";
    for _ in 0..2 {
        let told = scene.run(["-s", "x", "-e", loud])?;
        assert_eq!(told.code, Some(0), "{}", told.stderr);
        assert!(told.stdout.contains("it wrote 30000009 bytes, of which"));
        assert!(told.stdout.contains("\nthe end\n"));
    }
    let told = scene.run(["-s", "x", "-e", "run echo as before"])?;
    assert_eq!(told.code, Some(0), "{}", told.all());
    assert!(told.stdout.contains("as before"), "{}", told.all());
    Ok(())
}

/// What the journal could not take is still known to the command's own record, which has its room since the
/// command began.
#[test]
fn a_command_that_ended_on_a_full_disk_is_known_to_have_ended() -> io::Result<()> {
    let scene = scene()?;
    let Some(disk) = SmallDisk::mount(&scene)? else {
        return Ok(());
    };
    for pipe in ["begun", "go"] {
        let mode = Mode::RUSR | Mode::WUSR;
        mknodat(CWD, scene.work().join(pipe), FileType::Fifo, mode, 0)?;
    }
    let command = "run echo once >>once; echo >begun; read line <go; exit 7";
    let during = ["-s", "x", "--id", "during", "-e", command];
    let process = scene.start_run(during)?;
    fs::read(scene.work().join("begun"))?;
    let filler = disk.fill()?;
    fs::write(scene.work().join("go"), "\n")?;
    let refused = process.wait()?;
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    assert!(
        refused.stderr.contains("the disk is full"),
        "{}",
        refused.stderr
    );
    fs::remove_file(filler)?;
    let told = scene.run(during)?;
    assert!(told.all().contains("exit code 7"), "{}", told.all());
    assert_eq!(fs::read_to_string(scene.work().join("once"))?, "once\n");
    Ok(())
}

#[test]
fn a_first_start_on_a_full_disk_says_so() -> io::Result<()> {
    let scene = scene()?;
    let Some(disk) = SmallDisk::mount(&scene)? else {
        return Ok(());
    };
    disk.fill()?;
    let refused = scene.run(["-e", "help"])?;
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    assert!(
        refused.stderr.contains("the disk is full"),
        "{}",
        refused.stderr
    );
    Ok(())
}

#[test]
fn a_read_only_state_folder_is_named_with_the_fix() -> io::Result<()> {
    let scene = scene()?;
    let Some(disk) = SmallDisk::mount(&scene)? else {
        return Ok(());
    };
    mount_remount(&disk.0, MountFlags::RDONLY, c"")?;
    let refused = scene.run(["-e", "help"])?;
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    let complaint = refused.stderr;
    assert!(
        complaint.contains("cannot be written") && complaint.contains("store.url"),
        "{complaint}"
    );
    Ok(())
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() -> io::Result<()> {
    let scene = scene()?;
    assert_eq!(scene.run(["-s", "x", "-e", "help"])?.code, Some(0));
    let file = scene.state().join("corvid.db");
    let mut bytes = fs::read(&file)?;
    // SQLite keeps its user's version at byte 60 and whose file it is at byte 68; what this file lacks may
    // still have been in the log, which goes.
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    bytes[68..72].copy_from_slice(b"Crvd");
    fs::write(&file, &bytes)?;
    for log in ["corvid.db-wal", "corvid.db-shm"] {
        let log = scene.state().join(log);
        if log.exists() {
            fs::remove_file(log)?;
        }
    }
    for command in [["run", "-e", "help"].as_slice(), &["sessions", "list"]] {
        let refused = scene.agent(command)?;
        assert_eq!(refused.code, Some(1), "{}", refused.all());
        assert!(
            refused.stderr.contains("has version 99"),
            "{}",
            refused.stderr
        );
        assert!(
            refused.stderr.contains("update Corvid"),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(fs::read(&file)?, bytes);
    Ok(())
}
