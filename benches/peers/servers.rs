//! The servers under load: started on a core of their own, ended when dropped.
//!
//! Each listens on a free port of 127.0.0.1 and keeps what it writes in a folder of its own. It is started through
//! `taskset`, which puts it on its core, and `setpriv`, which lets the kernel end it when this process dies in whatever
//! way. It works in its folder, by which the script that starts all of this finds what is left of it.
//!
//! | Server | How durable it is asked to be |
//! |---|---|
//! | Ordain | as it is: default store, every answer after its sync |
//! | Redis | append-only file with `appendfsync always`; no snapshots, and no rewriting of the file, which would only cost it |
//! | PostgreSQL | a fresh cluster with `fsync` and `synchronous_commit` on, everything else as it comes |

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};

/// How long a server may take until it answers.
pub const START_MAX: Duration = Duration::from_secs(60);
const END_MAX: Duration = Duration::from_secs(30);

/// Where servers run.
#[derive(Clone, Debug)]
pub struct Place {
    /// Folder of the run.
    pub dir: PathBuf,
    /// Core of every server.
    pub core: usize,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    /// PostgreSQL works in a process per connection.
    pub many_processes: bool,
    ending: Signal,
    dir: PathBuf,
}

impl Place {
    /// `ordain serve` on a new data directory.
    pub fn ordain(&self, program: &Path) -> Result<Server, String> {
        let dir = self.folder("ordain")?;
        let data = dir.join("data");
        let command = self.command(program, &["serve", "--listen", "127.0.0.1:0", "--data"], None);
        self.announced(command, |command| command.env("RUST_LOG", "warn").arg(data), dir)
    }

    /// The bare hyper server, which is this program.
    pub fn echo(&self, get_bytes: usize, post_bytes: usize) -> Result<Server, String> {
        let program = std::env::current_exe().map_err(|fault| format!("this program: {fault}"))?;
        let bytes = [get_bytes, post_bytes].map(|bytes| bytes.to_string());
        let command = self.command(&program, &["echo", "--get", &bytes[0], "--post", &bytes[1]], None);
        self.announced(command, |command| command, self.folder("echo")?)
    }

    /// Redis.
    pub fn redis(&self, program: &Path) -> Result<Server, String> {
        let dir = self.folder("redis")?;
        let port = free_port()?;
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsave \"\"\nappendonly yes\nappendfsync always\n\
             auto-aof-rewrite-percentage 0\nlogfile redis.log\ndaemonize no\n",
            dir.display()
        );
        let file = dir.join("redis.conf");
        fs::write(&file, settings).map_err(|fault| format!("{}: {fault}", file.display()))?;
        let command = self.command(program, &[&file.display().to_string()], None);
        self.listening(command, port, dir, Signal::TERM)
    }

    /// PostgreSQL from the folder of its programs. It refuses to run as root, so then it runs as the user `postgres`.
    pub fn postgres(&self, programs: &Path, connections: usize) -> Result<Server, String> {
        let dir = self.folder("postgres")?;
        let user = geteuid().is_root().then_some("postgres");
        if let Some(user) = user {
            done(Command::new("chown").arg(user).arg(&dir))?;
        }
        let data = dir.join("data").display().to_string();
        let found = ["--auth=trust", "--username=bench", "--encoding=UTF8", "--locale=C", "--pgdata", &data];
        done(self.command(&programs.join("initdb"), &found, user).current_dir(&dir).stdout(Stdio::null()))?;
        let port = free_port()?;
        let settings = [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".into(),
            format!("unix_socket_directories={}", dir.display()),
            format!("max_connections={}", connections + 20),
            "fsync=on".into(),
            "synchronous_commit=on".into(),
        ];
        let mut command = self.command(&programs.join("postgres"), &["-D", &data], user);
        command.args(settings.iter().flat_map(|setting| ["-c", setting]));
        let mut server = self.listening(command, port, dir, Signal::INT)?;
        server.many_processes = true;
        Ok(server)
    }

    fn folder(&self, name: &str) -> Result<PathBuf, String> {
        let dir = self.dir.join(name);
        // Left by a server of this name that has ended.
        drop(fs::remove_dir_all(&dir));
        fs::create_dir_all(&dir).map_err(|fault| format!("{}: {fault}", dir.display()))?;
        Ok(dir)
    }

    /// A program on the servers' core.
    pub fn command(&self, program: &Path, args: &[&str], user: Option<&str>) -> Command {
        let mut command = Command::new("setpriv");
        if let Some(user) = user {
            command.args([format!("--reuid={user}"), format!("--regid={user}"), "--clear-groups".into()]);
        }
        command.args(["--pdeathsig", "KILL", "taskset", "-c", &self.core.to_string()]).arg(program).args(args);
        command.stdin(Stdio::null());
        command
    }

    /// Starts a server that says on its first line where it listens.
    fn announced(
        &self,
        mut command: Command,
        and: impl FnOnce(&mut Command) -> &mut Command,
        dir: PathBuf,
    ) -> Result<Server, String> {
        let mut child = spawn(and(&mut command).current_dir(&dir).stdout(Stdio::piped()))?;
        let mut line = String::new();
        let read = child.stdout.as_mut().map(|stdout| BufReader::new(stdout).read_line(&mut line));
        let address = line.trim().rsplit("//").next().and_then(|address| address.parse().ok());
        let address = address.ok_or_else(|| format!("{command:?} does not say where it listens: {line:?} {read:?}"))?;
        Ok(Server { address, child, many_processes: false, ending: Signal::TERM, dir })
    }

    /// Starts a server and waits until its port answers.
    fn listening(&self, mut command: Command, port: u16, dir: PathBuf, ending: Signal) -> Result<Server, String> {
        let log = fs::File::create(dir.join("log")).map_err(|fault| format!("the log: {fault}"))?;
        let err = log.try_clone().map_err(|fault| format!("the log: {fault}"))?;
        let child = spawn(command.current_dir(&dir).stdout(log).stderr(err))?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut server = Server { address, child, many_processes: false, ending, dir };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Ok(Some(status)) = server.child.try_wait() {
                let log = fs::read_to_string(server.dir.join("log")).unwrap_or_default();
                return Err(format!("{command:?} ends with {status}: {log}"));
            }
            if began.elapsed() > START_MAX {
                return Err(format!("{command:?} does not answer on port {port}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }
}

impl Server {
    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An id is only used while the process is our child, so it cannot be somebody else's.
        if let Ok(None) = self.child.try_wait() {
            let pid = Pid::from_child(&self.child);
            let _ = kill_process(pid, self.ending);
            let began = Instant::now();
            while let Ok(None) = self.child.try_wait() {
                if began.elapsed() > END_MAX {
                    let _ = self.child.kill();
                    let _ = self.child.wait();
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn spawn(command: &mut Command) -> Result<Child, String> {
    command.spawn().map_err(|fault| format!("{command:?}: {fault}"))
}

/// Runs a command to its end.
pub fn done(command: &mut Command) -> Result<String, String> {
    let output = command.stderr(Stdio::piped()).output().map_err(|fault| format!("{command:?}: {fault}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {} {}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|fault| format!("no free port: {fault}"))
}
