//! The server under a service manager: what it tells, and the sockets that it is handed.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::running::{PATIENCE, Server, call, command, command_by, sign_up, start, started};

/// A service manager that hears what it is told.
struct Manager {
    ear: UnixDatagram,
    address: String,
}

impl Manager {
    fn new(folder: &TempDir) -> Self {
        let path = folder.path().join("notify");
        let ear = UnixDatagram::bind(&path).unwrap();
        ear.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { ear, address: path.to_str().unwrap().to_owned() }
    }

    fn hear(&self) -> String {
        let mut bytes = [0; 1024];
        let length = self.ear.recv(&mut bytes).expect("the server says something");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    /// What is said next, signs of life aside.
    fn hear_news(&self) -> String {
        std::iter::repeat_with(|| self.hear()).find(|said| said != "WATCHDOG=1").unwrap()
    }
}

#[test]
fn a_service_manager_is_told_when_it_serves_reads_again_and_stops() {
    let (folder, told) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let manager = Manager::new(&told);
    let file = folder.path().join("c.yml");
    std::fs::write(&file, "log:\n  level: info\n").unwrap();
    let mut server = start(folder.path(), &["-c", "c.yml"], &[("NOTIFY_SOCKET", &manager.address)]);
    let ready = format!(
        "READY=1\nSTATUS=serves the public API on {} and the admin API on {}",
        server.public, server.admin
    );
    assert_eq!(manager.hear(), ready);
    let reload = || {
        server.signal("HUP");
        let reloading = manager.hear();
        let time = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect(&reloading);
        let up = std::fs::read_to_string("/proc/uptime").unwrap();
        let up: f64 = up.split(' ').next().unwrap().parse().unwrap();
        // The time stands in seconds there, of which a machine that slept counts more.
        assert!(time.parse::<f64>().unwrap() / 1e6 <= up + 1.0, "{time} {up}");
        manager.hear()
    };
    assert_eq!(reload(), ready);
    std::fs::write(&file, "log:\n  level: [").unwrap();
    assert_eq!(reload(), format!("{ready}; the configuration cannot be used, see the log"));
    server.signal("TERM");
    assert_eq!(manager.hear(), "STOPPING=1\nSTATUS=requests in flight finish");
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn a_service_manager_gets_signs_of_life_when_it_wants_them() {
    let (folder, told) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let manager = Manager::new(&told);
    let wanted = [("NOTIFY_SOCKET", manager.address.as_str()), ("WATCHDOG_USEC", "200000")];
    let server = start(folder.path(), &[], &wanted);
    assert!(manager.hear_news().starts_with("READY=1\n"));
    for _ in 0..3 {
        assert_eq!(manager.hear(), "WATCHDOG=1");
    }
    server.signal("TERM");
    assert!(manager.hear_news().starts_with("STOPPING=1\n"));
}

/// The command of a server that is handed two sockets, as its descriptors 3 and 4.
fn handed(
    folder: &Path,
    sockets: [OwnedFd; 2],
    names: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Command {
    let served = command(folder, arguments, environment);
    let script = r#"LISTEN_PID=$$ exec "$0" "$@" 3<&0 4<&1 </dev/null >/dev/null"#;
    let [third, fourth] = sockets;
    let mut shell = command_by("/bin/sh", &["-c", script], &served);
    shell
        .envs([("LISTEN_FDS", names.split(':').count().to_string().as_str()), ("LISTEN_FDNAMES", names)])
        .stdin(Stdio::from(third))
        .stdout(Stdio::from(fourth));
    shell
}

fn open(address: &str) -> OwnedFd {
    TcpListener::bind(address).unwrap().into()
}

#[test]
fn sockets_that_are_handed_over_count_more_than_addresses() {
    let folder = TempDir::new().unwrap();
    let admin = TcpListener::bind("127.0.0.1:0").unwrap();
    let public = TcpListener::bind("127.0.0.1:0").unwrap();
    let sockets = || [OwnedFd::from(admin.try_clone().unwrap()), OwnedFd::from(public.try_clone().unwrap())];
    // Nobody could listen on this port.
    let elsewhere = [("SERVE_PUBLIC_PORT", "1")];
    let serve = || started(&mut handed(folder.path(), sockets(), "admin:public", &[], &elsewhere));
    let server = serve();
    let address = |listener: &TcpListener| listener.local_addr().unwrap().to_string();
    assert_eq!((&server.public, &server.admin), (&address(&public), &address(&admin)));
    let token = sign_up(&server);
    let header = format!("x-session-token: {token}");
    let whoami = || call(&address(&public), "GET", "/sessions/whoami", &[&header], None).0;
    assert_eq!(whoami(), 200);
    drop(server);
    // Who comes while there is no server waits for the next one.
    std::thread::scope(|scope| {
        let waits = scope.spawn(whoami);
        let _server: Server = serve();
        assert_eq!(waits.join().unwrap(), 200);
    });
}

#[test]
fn a_socket_that_cannot_be_used_is_refused_with_what_to_do() {
    let folder = TempDir::new().unwrap();
    let refused = |sockets, names: &str| {
        let output = handed(folder.path(), sockets, names, &[], &[]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let local = || open("127.0.0.1:0");
    let said = refused([local(), local()], "public:sessera.socket");
    assert!(said.contains("\"sessera.socket\"") && said.contains("FileDescriptorName="), "{said}");
    let said = refused([local(), local()], "public:public");
    assert!(said.contains("two sockets by the name \"public\""), "{said}");
    let said = refused([local(), local()], "public:gateway");
    assert!(said.contains("serve.gateway.enabled"), "{said}");
    let said = refused([File::open("/dev/null").unwrap().into(), local()], "public:admin");
    assert!(said.contains("the socket \"public\" of the service manager cannot be used"), "{said}");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let said = refused([connection.into(), local()], "public:admin");
    assert!(said.contains("Accept=yes"), "{said}");
    // The address of the socket is judged as a configured one.
    let said = refused([local(), open("0.0.0.0:0")], "public:admin");
    assert!(said.contains("serve.admin.token") && said.contains("serve.admin.insecure"), "{said}");
}
