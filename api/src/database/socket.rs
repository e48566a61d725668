//! The directory of an embedded Postgres' socket: nobody else can open it, and the next start finds it again.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::spawn::Identity;
use super::start_error::{StartError, at};

pub const SOCKET: &str = ".s.PGSQL.5432";
/// The shortest limit on a socket's path among the systems that we know (macOS: 104 with the closing zero).
const SOCKET_PATH_LIMIT: usize = 103;

/// The socket's path must be short whatever the data directory's is, so its directory lies with the temporary files,
/// named after a hash (FNV-1a) of the data directory's path: the next start finds an orphan there.
pub fn socket_directory(root: &Path) -> Result<PathBuf, StartError> {
    let hash = root
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let name = format!("waypost-{hash:016x}");
    let usable = |parent: &Path| {
        let open = fs::metadata(parent).is_ok_and(|parent| parent.is_dir() && parent.mode() & 0o001 != 0);
        let short = parent.join(&name).join(SOCKET).as_os_str().len() <= SOCKET_PATH_LIMIT;
        short && parent.to_str().is_some() && (open || !geteuid().is_root())
    };
    [std::env::temp_dir(), PathBuf::from("/tmp")]
        .into_iter()
        .find(|parent| usable(parent))
        .map(|parent| parent.join(&name))
        .ok_or_else(|| at(&std::env::temp_dir())(io::Error::other("no place for a socket: set TMPDIR to a short path")))
}

/// Makes the socket's directory ours alone, and empty: no Postgres of ours runs now, and the lock file of one that was
/// killed could name a number that another process has by now.
pub fn prepare_socket_directory(socket: &Path, identity: Identity) -> Result<(), StartError> {
    let failed = at(socket);
    match fs::symlink_metadata(socket) {
        // Anybody may make a directory of this name among the temporary files: never use a stranger's.
        Ok(found) if !found.is_dir() || (!geteuid().is_root() && found.uid() != geteuid().as_raw()) => {
            return Err(failed(io::Error::other("this name is taken by somebody else: remove it, or set TMPDIR")));
        }
        Ok(_) => fs::remove_dir_all(socket).map_err(&failed)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    fs::DirBuilder::new().mode(0o700).create(socket).map_err(&failed)?;
    identity.own(socket).map_err(failed)
}
