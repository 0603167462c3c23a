//! Putting refused system calls together as one program for the kernel.
//! Invariant: decides as the plain list would, only sooner: at each start the kernel tries every call's number
//! against the program, so a list that it walks from its head each time is dear.
//! It must not know which calls are refused, or why.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompFilter, SeccompRule, TargetArch, sock_filter,
};

/// Calls that are looked through one by one.
const GROUP: usize = 6;

/// Numbers from here on belong to a second, rarely used numbering of the same calls, which would slip through.
#[cfg(target_arch = "x86_64")]
const SECOND_NUMBERING: u32 = 0x4000_0000;

/// What a call that the kernel does not have is answered.
const NOT_THERE: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();

const LOAD_NUMBER: u16 = 0x20;
const JUMP: u16 = 0x05;
#[cfg(target_arch = "x86_64")]
const AT_LEAST: u16 = 0x35;
const EQUAL: u16 = 0x15;
const GREATER: u16 = 0x25;
const RETURN: u16 = 0x06;

/// A program that answers calls in `unknown` as if the kernel had none such, those in `refused` whose arguments
/// match a rule (or that have no rule) as not permitted, and allows every other.
pub(super) fn assemble(
    refused: BTreeMap<i64, Vec<SeccompRule>>,
    unknown: &[i64],
    target: TargetArch,
) -> Result<BpfProgram, BackendError> {
    let mut groups = Vec::new();
    let mut rest = refused;
    while !rest.is_empty() {
        let after = rest.keys().nth(GROUP).copied();
        let next = after.map_or_else(BTreeMap::new, |first| rest.split_off(&first));
        let last = rest.keys().next_back().copied().unwrap_or(0);
        groups.push((last, compile(rest, target)?));
        rest = next;
    }
    // Beyond the last there is nothing to look for, but programs of other processors.
    groups.push((i64::MAX, compile(BTreeMap::new(), target)?));
    let mut program = vec![step(LOAD_NUMBER, 0, 0, 0)];
    #[cfg(target_arch = "x86_64")]
    program.extend([
        step(AT_LEAST, 0, 1, SECOND_NUMBERING),
        step(RETURN, 0, 0, NOT_THERE),
    ]);
    for call in unknown {
        program.extend([
            step(EQUAL, 0, 1, number(*call)),
            step(RETURN, 0, 0, NOT_THERE),
        ]);
    }
    program.extend(directory(&groups));
    program.extend(groups.into_iter().flat_map(|(_, group)| group));
    Ok(program)
}

/// Leads each number to the group in which it is looked for.
fn directory(groups: &[(i64, BpfProgram)]) -> BpfProgram {
    let mut directory = Vec::new();
    let length = 2 * groups.len();
    let mut begins = 0;
    for (last, group) in groups {
        directory.push(step(GREATER, 1, 0, number(*last)));
        let from_here = length - directory.len() - 1;
        directory.push(step(JUMP, 0, 0, offset(from_here + begins)));
        begins += group.len();
    }
    directory
}

fn compile(
    refused: BTreeMap<i64, Vec<SeccompRule>>,
    target: TargetArch,
) -> Result<BpfProgram, BackendError> {
    let not_permitted = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    SeccompFilter::new(refused, SeccompAction::Allow, not_permitted, target)?.try_into()
}

fn step(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

/// A call's number; those that there are fit by far.
fn number(call: i64) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}

/// A distance in a program; the kernel takes at most 4,096 steps.
fn offset(steps: usize) -> u32 {
    u32::try_from(steps).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition};

    use super::*;

    const AND: u16 = 0x54;
    const NATIVE: u32 = match TARGET {
        TargetArch::x86_64 => 0xc000_003e,
        TargetArch::aarch64 => 0xc000_00b7,
        TargetArch::riscv64 => 0xc000_00f3,
    };
    #[cfg(target_arch = "x86_64")]
    const TARGET: TargetArch = TargetArch::x86_64;
    #[cfg(target_arch = "aarch64")]
    const TARGET: TargetArch = TargetArch::aarch64;
    #[cfg(target_arch = "riscv64")]
    const TARGET: TargetArch = TargetArch::riscv64;

    /// What the kernel would answer, and after how many steps.
    fn answer(program: &[sock_filter], arch: u32, call: u32, argument: u64) -> (u32, usize) {
        let mut data = Vec::new();
        data.extend(call.to_le_bytes());
        data.extend(arch.to_le_bytes());
        data.extend(0_u64.to_le_bytes());
        data.extend(argument.to_le_bytes().repeat(6));
        let word = |at: u32| {
            let at = usize::try_from(at).unwrap();
            u32::from_le_bytes(data[at..at + 4].try_into().unwrap())
        };
        let (mut value, mut at, mut steps) = (0_u32, 0_usize, 0);
        loop {
            let step = &program[at];
            let by = |holds: bool| usize::from(if holds { step.jt } else { step.jf });
            at += 1;
            steps += 1;
            match step.code {
                LOAD_NUMBER => value = word(step.k),
                AND => value &= step.k,
                JUMP => at += usize::try_from(step.k).unwrap(),
                EQUAL => at += by(value == step.k),
                GREATER => at += by(value > step.k),
                0x35 => at += by(value >= step.k),
                RETURN => return (step.k, steps),
                other => panic!("unknown step {other:#x}"),
            }
        }
    }

    fn rules() -> BTreeMap<i64, Vec<SeccompRule>> {
        let odd = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(1), 1);
        let odd = SeccompRule::new(vec![odd.unwrap()]).unwrap();
        let plain = [
            0, 3, 4, 5, 100, 101, 102, 103, 104, 200, 300, 301, 440, 460, 461,
        ];
        let mut rules: BTreeMap<_, _> = plain.map(|call| (call, Vec::new())).into();
        rules.extend([
            (7, vec![odd.clone()]),
            (250, vec![odd.clone()]),
            (462, vec![odd]),
        ]);
        rules
    }

    #[test]
    fn groups_decide_as_the_list_would() {
        let list = compile(rules(), TARGET).unwrap();
        let groups = assemble(rules(), &[435], TARGET).unwrap();
        let mut most = 0;
        for call in 0..600 {
            for argument in [0, 1, 2, 3, 1 << 32] {
                let (expected, _) = answer(&list, NATIVE, call, argument);
                let (decided, steps) = answer(&groups, NATIVE, call, argument);
                most = most.max(steps);
                if call == 435 {
                    assert_eq!(decided, NOT_THERE);
                } else {
                    assert_eq!(decided, expected, "{call} {argument}");
                }
            }
        }
        assert!(most < 40, "{most}");
    }

    #[test]
    fn programs_of_other_processors_end() {
        const OTHER: u32 = 0x4000_0003;
        let groups = assemble(rules(), &[435], TARGET).unwrap();
        for call in (0..600).filter(|call| *call != 435) {
            let (decided, _) = answer(&groups, OTHER, call, 0);
            assert_eq!(decided, libc::SECCOMP_RET_KILL_PROCESS, "{call}");
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_second_numbering_has_no_calls() {
        let groups = assemble(rules(), &[], TARGET).unwrap();
        for call in [SECOND_NUMBERING, SECOND_NUMBERING + 59, u32::MAX] {
            assert_eq!(answer(&groups, NATIVE, call, 0).0, NOT_THERE);
        }
    }
}
