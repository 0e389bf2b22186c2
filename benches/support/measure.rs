//! Wall and CPU time of this process, peak memory, and the middle of several measurements.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use libdeflater::Decompressor;

/// What something took.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    pub wall: Duration,
    /// Of all threads.
    pub cpu: Duration,
}

/// Does it and says what it took.
pub fn time<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let (wall, cpu) = (Instant::now(), ProcessTime::now());
    let done = work();
    let took = Took {
        wall: wall.elapsed(),
        cpu: cpu.elapsed(),
    };
    (done, took)
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Of durations, in milliseconds.
pub fn median_ms(values: impl IntoIterator<Item = Duration>) -> f64 {
    median(
        values
            .into_iter()
            .map(|time| time.as_secs_f64() * 1e3)
            .collect(),
    )
}

/// The most memory this process ever held, in MiB; `None` if the system does not tell.
pub fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// The seconds of CPU that another process took so far; `None` if the system does not tell.
pub fn cpu_of(pid: &str) -> Option<f64> {
    // fields 14 and 15 of /proc/PID/stat, counted behind the name in its brackets: proc(5); its
    // clock has 100 ticks a second on every Linux that Rust runs on
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) as f64 / 100.0)
}

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The floor: libdeflate, one member a file as CloudTrail writes them, into one buffer.
#[derive(Default)]
pub struct Floor {
    buffer: Vec<u8>,
}

impl Floor {
    /// Inflates the file and answers its bytes.
    pub fn inflate(&mut self, stored: &[u8]) -> &[u8] {
        let size = stored
            .last_chunk::<4>()
            .map_or(0, |size| u32::from_le_bytes(*size));
        let size = usize::try_from(size).expect("an address space of 32 bits");
        if self.buffer.len() < size {
            self.buffer.resize(size, 0);
        }
        let written = Decompressor::new()
            .gzip_decompress(stored, &mut self.buffer)
            .expect("a sound file");
        &self.buffer[..written]
    }
}
