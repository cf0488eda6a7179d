//! Adds to the cell of the current CPU by a plain instruction, in a restartable sequence.
//!
//! A plain addition is correct if no other thread adds to the same cell at the same time. This holds if the thread is
//! neither moved to another CPU nor interrupted between reading the number of its CPU and adding: all additions to a
//! cell, by any thread or process, then happen one after another on one CPU. Linux guarantees this for a [restartable
//! sequence](https://www.gnu.org/software/libc/manual/html_node/Restartable-Sequences.html): a thread that is
//! preempted, moved or sent a signal within the sequence continues at an abort handler, which here adds to a shared
//! cell by an atomic instruction. No increment is lost or counted twice, and none is retried, not even under a debugger
//! that stops at every instruction.
//!
//! glibc registers an area for every thread. The area contains the number of the CPU, which the kernel updates, and a
//! pointer to the descriptor of the current sequence, which the kernel reads when the thread is next interrupted. The
//! pointer must therefore not outlive this code. If this code is part of the program itself, it is never unloaded. It then
//! leaves the pointer set, because clearing the pointer would cost a sixth of an increment. If this code is part of a
//! library, it clears the pointer, in a function that is not inlined.
//!
//! Readers visit the cells of all CPUs that the machine can have ([`cpus`]), so an addition to such a cell does not
//! have to mark it as used.

mod glibc;
mod possible;

use core::arch::asm;
use core::arch::x86_64::_mm_cvtsi64_si128;
use core::num::NonZeroIsize;
use core::ptr;
use core::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

use super::blocks::Blocks;
use super::counter::ShardedCounter;
use super::{LINE, SHARED};

/// The number of cells for CPUs. A CPU whose number is `CELLS` or higher uses the shared cells.
pub(super) const CELLS: usize = 112;

/// The distance from the thread pointer to the area in bytes. 0 if there is no area, or if this code is part of a
/// library. Written only before `main`.
static AREA: AtomicIsize = AtomicIsize::new(0);

/// Like `AREA`, but also 0 if the processor does not have `lzcnt`.
static AREA_WITH_LZCNT: AtomicIsize = AtomicIsize::new(0);

/// The same distance as in `AREA` if this code is part of a library, which can be unloaded; otherwise 0.
static AREA_IN_LIBRARY: AtomicIsize = AtomicIsize::new(0);

/// The number of CPUs that the machine can have, at most `CELLS`. Until the number is known, it is `CELLS`.
static CPUS: AtomicUsize = AtomicUsize::new(CELLS);

/// Returns the number of CPU cells that may hold a value.
#[inline]
pub(super) fn cpus() -> usize {
    CPUS.load(Ordering::Relaxed)
}

/// Loads one of the statics above by assembly code. If a function adds several times, the compiler can merge these loads into
/// one. It would not merge atomic loads, because the value may change between them.
macro_rules! load_once {
    ($area:ident) => {{
        let area: isize;
        // SAFETY: the code loads an aligned word, which changes at most once, before `main`. Code that runs earlier, in a
        // constructor, may see the old value (0) or the new value. Both are correct.
        unsafe {
            asm!(
                // Through the global offset table, because the static is in another library if this crate is linked
                // dynamically.
                "mov {area}, qword ptr [rip + {word}@GOTPCREL]",
                "mov {area}, qword ptr [{area}]",
                area = lateout(reg) area,
                word = sym $area,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        area
    }};
}

/// The distance from the thread pointer of every thread to a `struct rseq` that glibc has registered.
#[derive(Clone, Copy)]
pub(super) struct Area(NonZeroIsize);

impl Area {
    /// Returns the area, or `None` if glibc has not registered an area, or if this code can be unloaded.
    #[inline]
    pub(super) fn get() -> Option<Self> {
        NonZeroIsize::new(load_once!(AREA)).map(Self)
    }

    /// If there is an area and this code can be unloaded, calls `add` with the area, then clears the thread's pointer to the
    /// sequence, and returns true. Otherwise, returns false.
    pub(super) fn add_in_library(add: impl FnOnce(Self)) -> bool {
        let Some(area) = NonZeroIsize::new(AREA_IN_LIBRARY.load(Ordering::Relaxed)) else {
            return false;
        };
        add(Self(area));
        // SAFETY: the area is a `struct rseq`, as in `add`. A null pointer to the sequence means that no sequence is active.
        unsafe {
            asm!("mov qword ptr fs:[{area} + 8], 0", area = in(reg) area.get(), options(nostack));
        }
        true
    }

    /// Adds to the counter's cell for the current CPU, or to a shared cell if the CPU has no cell or the sequence is aborted.
    #[inline]
    pub(super) fn add(self, counter: &ShardedCounter, n: u64) {
        // SAFETY: glibc keeps a `struct rseq` at this distance from the thread pointer of every thread, for as long as
        // the thread lives: the number of the CPU is at offset 4, the pointer to the sequence at 8. The sequence meets the
        // requirements of the kernel. Only its last instruction has an effect: an addition to one of the counter's
        // cells, an aligned word that other threads access atomically. The signature that glibc registers precedes the
        // abort handler. The pointer to the sequence remains set; `add_in_library` clears it before this code can be
        // unloaded. A CPU number beyond the cells, or -1 or -2 for a thread without a registration, selects a shared
        // cell, whose bit is set before the addition. `repr(C)` fixes the offsets of the fields.
        unsafe {
            asm!(
                // The descriptor for the kernel: version, flags, start, length, and the address to continue at after an
                // abort.
                ".pushsection __rseq_cs, \"aw?\", @progbits",
                ".balign 32",
                "2:",
                ".long 0, 0",
                ".quad 3f, 4f - 3f, 5f",
                ".popsection",
                "lea {sequence}, [rip + 2b]",
                "mov qword ptr fs:[{area} + 8], {sequence}",
                "3:",
                "mov {cpu:e}, dword ptr fs:[{area} + 4]",
                "cmp {cpu:e}, {own}",
                "jae 6f",
                "shl {cpu}, {shift}",
                "add qword ptr [{counter} + {cpu} + {own_cells}], {n}",
                "4:",
                ".pushsection .text.unlikely, \"ax?\", @progbits",
                // An instruction that traps, with the signature in it.
                ".byte 0x0f, 0xb9, 0x3d",
                ".long 0x53053053",
                "5:",
                "mov {cpu:e}, dword ptr fs:[{area} + 4]",
                "6:",
                "and {cpu:e}, {shared} - 1",
                // Read first, so that the line stays in the caches of all cores.
                "bt qword ptr [{counter} + {used}], {cpu}",
                "jc 8f",
                "lock bts qword ptr [{counter} + {used}], {cpu}",
                "8:",
                "shl {cpu}, {shift}",
                "lock add qword ptr [{counter} + {cpu} + {shared_cells}], {n}",
                "jmp 4b",
                ".popsection",
                area = in(reg) self.0.get(),
                counter = in(reg) ptr::from_ref(counter),
                n = in(reg) n,
                sequence = out(reg) _,
                cpu = out(reg) _,
                own = const CELLS,
                shared = const SHARED,
                used = const ShardedCounter::USED_AT,
                shared_cells = const ShardedCounter::CELLS_AT,
                own_cells = const ShardedCounter::CELLS_AT + SHARED * LINE,
                shift = const LINE.ilog2(),
                options(nostack),
            );
        }
    }

    /// Adds to two neighbouring words in the block of this CPU, by one instruction that stores both. Adds to a shared block, by two
    /// atomic instructions, if the CPU has no block or the sequence is aborted.
    ///
    /// # Safety
    ///
    /// Every block must have two atomic words at `offset`, aligned to 16 bytes.
    #[inline]
    pub(super) unsafe fn add_pair<C>(self, blocks: &Blocks<C>, offset: usize, pair: [u64; 2]) {
        let [first, second] = pair;
        // SAFETY: as in `add`: only the last instruction of the sequence writes, to words that others access
        // atomically. It stores 16 bytes, and the processor never splits either of the two words. `first` and `second` are
        // unchanged if the sequence is aborted. All x86-64 processors have the vector instructions.
        unsafe {
            #[allow(clippy::cast_possible_wrap)] // the intrinsic takes an `i64`
            let first = _mm_cvtsi64_si128(first as i64);
            asm!(
                ".pushsection __rseq_cs, \"aw?\", @progbits",
                ".balign 32",
                "2:",
                ".long 0, 0",
                ".quad 3f, 4f - 3f, 5f",
                ".popsection",
                "movq {sum}, {second}",
                "pslldq {sum}, 8",
                "paddq {sum}, {first}",
                "lea {sequence}, [rip + 2b]",
                "mov qword ptr fs:[{area} + 8], {sequence}",
                "3:",
                "mov {cpu:e}, dword ptr fs:[{area} + 4]",
                "cmp {cpu:e}, {own}",
                "jae 6f",
                "imul {cpu}, {cpu}, {stride}",
                "add {cpu}, {offset}",
                "paddq {sum}, xmmword ptr [{blocks} + {cpu} + {own_blocks}]",
                "movdqa xmmword ptr [{blocks} + {cpu} + {own_blocks}], {sum}",
                "4:",
                ".pushsection .text.unlikely, \"ax?\", @progbits",
                ".byte 0x0f, 0xb9, 0x3d",
                ".long 0x53053053",
                "5:",
                "mov {cpu:e}, dword ptr fs:[{area} + 4]",
                "6:",
                "and {cpu:e}, {shared} - 1",
                "bt qword ptr [{blocks} + {used}], {cpu}",
                "jc 8f",
                "lock bts qword ptr [{blocks} + {used}], {cpu}",
                "8:",
                "imul {cpu}, {cpu}, {stride}",
                "add {cpu}, {offset}",
                "movq {sequence}, {first}",
                "lock add qword ptr [{blocks} + {cpu} + {shared_blocks}], {sequence}",
                "lock add qword ptr [{blocks} + {cpu} + {shared_blocks} + 8], {second}",
                "jmp 4b",
                ".popsection",
                area = in(reg) self.0.get(),
                blocks = in(reg) ptr::from_ref(blocks),
                offset = in(reg) offset,
                first = in(xmm_reg) first,
                second = in(reg) second,
                sequence = out(reg) _,
                cpu = out(reg) _,
                sum = out(xmm_reg) _,
                own = const CELLS,
                shared = const SHARED,
                stride = const Blocks::<C>::STRIDE,
                used = const Blocks::<C>::USED_AT,
                shared_blocks = const Blocks::<C>::BLOCKS_AT,
                own_blocks = const Blocks::<C>::BLOCKS_AT + SHARED * Blocks::<C>::STRIDE,
                options(nostack),
            );
        }
    }
}

/// An area, on a processor with `lzcnt`, which counts leading zeros. On many processors, counting them without this
/// instruction takes eight times as long, and is then a third of the time of a recording.
#[derive(Clone, Copy)]
pub(super) struct AreaWithLzcnt(NonZeroIsize);

impl AreaWithLzcnt {
    /// Returns the area, or `None` if [`Area::get`] returns `None`, or if the processor does not have `lzcnt`.
    #[inline]
    pub(super) fn get() -> Option<Self> {
        NonZeroIsize::new(load_once!(AREA_WITH_LZCNT)).map(Self)
    }

    #[inline]
    pub(super) fn area(self) -> Area {
        Area(self.0)
    }

    /// Returns the number of leading zeros, which is 64 for zero.
    #[inline]
    #[allow(clippy::unused_self)] // `self` proves that the processor has the instruction
    #[allow(clippy::cast_possible_truncation)] // at most 64
    pub(super) fn leading_zeros(self, value: u64) -> u32 {
        let zeros: u64;
        // SAFETY: `self` proves that the processor has this instruction. It counts at most 64 zeros.
        unsafe {
            asm!(
                "lzcnt {zeros}, {value}",
                value = in(reg) value,
                zeros = lateout(reg) zeros,
                options(pure, nomem, nostack),
            );
            core::hint::assert_unchecked(zeros <= 64);
        }
        zeros as u32
    }
}

const _: () = assert!(SHARED.is_power_of_two() && SHARED <= 64 && LINE.is_power_of_two());

/// Initializes the statics when this code is loaded. Looking up a symbol takes a lock, and counting the CPUs does I/O;
/// counting and reading metrics must do neither. The symbols are looked up by name and not linked, because a program
/// that links them needs glibc 2.35 to start.
#[used]
#[unsafe(link_section = ".init_array")]
static INITIALIZE: extern "C" fn() = {
    extern "C" fn initialize() {
        if let Some(cpus) = possible::cpus() {
            CPUS.store(cpus.min(CELLS), Ordering::Relaxed);
        }
        let Some(area) = glibc::rseq_area() else { return };
        if !glibc::is_in_program(ptr::from_ref(&INITIALIZE).cast()) {
            AREA_IN_LIBRARY.store(area, Ordering::Relaxed);
            return;
        }
        AREA.store(area, Ordering::Relaxed);
        if std::arch::is_x86_feature_detected!("lzcnt") {
            AREA_WITH_LZCNT.store(area, Ordering::Relaxed);
        }
    }
    initialize
};
