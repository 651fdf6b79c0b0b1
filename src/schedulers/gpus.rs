//! The GPUs of this machine, named as in `CUDA_VISIBLE_DEVICES`.

/// The GPUs in `CUDA_VISIBLE_DEVICES`; if the variable is not set, all GPUs of the driver.
pub(super) fn visible() -> Vec<String> {
    match std::env::var("CUDA_VISIBLE_DEVICES") {
        Ok(list) => listed(&list),
        Err(_) => (0..count()).map(|number| number.to_string()).collect(),
    }
}

fn listed(list: &str) -> Vec<String> {
    // CUDA ignores a negative number and everything after it.
    let names = list.split(',').map(str::trim).take_while(|name| !name.is_empty() && !name.starts_with('-'));
    names.map(String::from).collect()
}

/// Number of device files `/dev/nvidia0`, `/dev/nvidia1`, ...
fn count() -> usize {
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let number = |name: &str| name.strip_prefix("nvidia").is_some_and(|rest| rest.parse::<u32>().is_ok());
    entries.filter(|entry| entry.file_name().to_str().is_some_and(number)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_the_environment_is_read_as_cuda_reads_it() {
        assert_eq!(listed("0, 2,GPU-8f"), ["0", "2", "GPU-8f"]);
        assert_eq!(listed("1,-1,2"), ["1"]);
        assert_eq!(listed(""), [""; 0]);
    }
}
