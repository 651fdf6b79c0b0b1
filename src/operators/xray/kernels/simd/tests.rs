use super::*;

struct Everything;

impl Kernel for Everything {
    type Output = Vec<f32>;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Vec<f32> {
        let table: Vec<f32> = (0..32).map(|i| (i * i) as f32).collect();
        let (low, high) = (s.load(sixteen(&table, 0)), s.load(sixteen(&table, 16)));
        // 0.5, 2.25, .. with eight binary digits.
        let x = s.steps(128, 448);
        let index = s.whole(x, 8);
        let exact = s.mul(s.float(x), s.splat(1.0 / 256.0));
        [
            exact,
            s.mul(s.fraction(x, 8), s.splat(1.0 / 256.0)),
            s.window(low, high, index),
            s.window(low, high, s.shifted(index, 1)),
            s.gather(&table, index),
            s.gather(&table, s.steps(-9, 4)),
            s.float(s.truncated(exact)),
            s.abs(s.sub(s.splat(4.25), exact)),
            s.max(s.mul_add(s.ramp(), s.splat(2.0), exact), s.add(s.splat(4.0), s.splat(5.5))),
        ]
        .into_iter()
        .flat_map(|lanes| {
            let mut values = [0.0; LANES];
            s.store(lanes, &mut values);
            values
        })
        .collect()
    }
}

#[test]
fn every_level_gives_what_the_definitions_say() {
    let square = |i: i32| (i.clamp(0, 31) * i.clamp(0, 31)) as f32;
    let x = |i: usize| i as f32 * 1.75 + 0.5;
    let lines: [fn(f32) -> f32; 2] = [|x| x, f32::fract];
    let mut expected: Vec<f32> = lines.iter().flat_map(|line| (0..LANES).map(|i| line(x(i)))).collect();
    expected.extend((0..LANES).map(|i| square(x(i) as i32)));
    expected.extend((0..LANES).map(|i| square(x(i) as i32 + 1)));
    expected.extend((0..LANES).map(|i| square(x(i) as i32)));
    expected.extend((0..LANES).map(|i| square(4 * i as i32 - 9)));
    expected.extend((0..LANES).map(|i| x(i).trunc()));
    expected.extend((0..LANES).map(|i| (4.25 - x(i)).abs()));
    expected.extend((0..LANES).map(|i| (2.0 * i as f32 + x(i)).max(9.5)));
    for level in Level::ALL.into_iter().filter(|level| level.available()) {
        assert_eq!(dispatch(level, Everything), expected, "{}", level.name());
    }
}
