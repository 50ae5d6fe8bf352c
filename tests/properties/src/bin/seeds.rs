//! Writes the parsers' typical inputs into files as seeds for the fuzzer: `seeds <folder>` creates
//! `<folder>/<property>/<number>`.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or(io::Error::other("which folder?"))?;
    for property in &muster_properties::ALL {
        let place = folder.join(property.name);
        fs::create_dir_all(&place)?;
        for (number, seed) in property.seeds.iter().enumerate() {
            fs::write(place.join(number.to_string()), seed)?;
        }
    }
    Ok(())
}
