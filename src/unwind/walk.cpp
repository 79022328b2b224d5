// SPDX-License-Identifier: MIT
#include "unwind/walk.h"

namespace tarn::unwind {

namespace {

constexpr uintptr_t kAddressEnd = uintptr_t{1} << 56;  // of a program's, on any machine

class Walk {
  public:
    Walk(WalkRoom& room, Memory::Range& own, const Registers& registers, uint64_t now)
        : room_(room), registers_(room.registers), now_(now) {
        registers_ = registers;
        room_.memory.begin(registers.sp(), own);
        ++room_.walks;
    }

    // To the caller.
    Step step() {
        const uintptr_t before = registers_.sp();
        const bool exact = exact_;
        bool signal_frame = false;
        const Step step = by_information(exact, signal_frame);
        if (step == Step::kNoInformation) return begins_here() ? Step::kOutermost : by_frame_pointer();
        if (step != Step::kCaller) return step;
        exact_ = signal_frame;
        if (signal_frame) room_.memory.go_on(registers_.sp());
        if (registers_.pc == 0) return Step::kOutermost;
        // A handler may have a stack of its own, anywhere.
        if (!signal_frame && !leads_on(before, exact)) return Step::kUnknown;
        return plausible() ? Step::kCaller : Step::kUnknown;
    }
    uint64_t frame() const { return exact_ ? registers_.pc | kExact : registers_.pc; }
    uintptr_t place() const { return registers_.sp(); }

  private:
    bool leads_on(uintptr_t before, bool exact) const {
        return !kCallPushes && exact ? registers_.sp() >= before : registers_.sp() > before;
    }
    bool plausible() const { return registers_.pc < kAddressEnd && registers_.sp() % sizeof(uintptr_t) == 0; }

    using Known = WalkRoom::Known;
    // An object that may go is looked up once in a walk.
    Known& known(uintptr_t pc) {
        if (last_ && last_->object.has(pc)) return *last_;
        for (Known& known : room_.known)
            if (known.object.has(pc) && (known.object.stays || known.walk == room_.walks))
                return *(last_ = &known);
        const Object object = object_at(pc);
        for (Known& known : room_.known)
            if (object.end != 0 && known.object == object && now_ - known.time_ns < kTrusted) {
                known.walk = room_.walks;
                return *(last_ = &known);
            }
        Known& known = room_.known[room_.next_known++ % std::size(room_.known)];
        known = {object, signature_of(object, room_.memory), room_.walks, now_};
        return *(last_ = &known);
    }
    Function function_with(uintptr_t pc, const Object& object) {
        if (object.stays)
            room_.memory.set_object(object.begin, object.end);
        else
            room_.memory.set_object(0, 0);
        return function_at(pc, object, room_.memory);
    }

    // A call may be the last instruction of its function, so that the return address is the next one's.
    Step by_information(bool exact, bool& signal_frame) {
        const uintptr_t pc = registers_.pc - !exact;
        const Known& found = known(pc);
        if (!found.object.header) return Step::kNoInformation;
        const uint64_t key = RowTable::key(pc, found.signature);
        Row row;
        if (room_.rows && room_.rows->find(key, row)) return apply(row, registers_, room_.memory);
        const Function function = function_with(pc, found.object);
        if (function.end == 0) return Step::kNoInformation;
        if (!find_rules(pc, function, room_.memory, room_.rules)) return Step::kUnknown;
        const Rules& rules = room_.rules.now;
        signal_frame = function.signal_frame;
        if (room_.rows && !signal_frame && pack(rules, function, room_.memory, row)) {
            room_.rows->keep(key, row);
            return apply(row, registers_, room_.memory);
        }
        room_.before = registers_;
        return apply(rules, function, room_.before, registers_, room_.memory);
    }

    // A return address that no call left: the first function of a fiber returns to where another one begins (makecontext).
    bool begins_here() {
        const Object& object = known(registers_.pc).object;
        return !exact_ && object.header && function_with(registers_.pc, object).begin == registers_.pc;
    }

    // { the caller's frame pointer, the return address }: both machines have it so. Only for code of which nothing is known.
    Step by_frame_pointer() {
        const uintptr_t pc = registers_.pc;
        if (!registers_.knows(kFramePointer)) return Step::kUnknown;
        const uintptr_t at = registers_.value[kFramePointer];
        if (at == 0) return Step::kOutermost;
        struct {
            uintptr_t frame_pointer, return_address;
        } saved;
        if (at % sizeof(uintptr_t) != 0 || at < registers_.sp() || !room_.memory.read(at, saved))
            return Step::kUnknown;
        saved.return_address = plain_address(saved.return_address);
        if (saved.return_address == 0) return Step::kOutermost;
        if (!was_called(pc, saved.return_address)) return Step::kUnknown;
        registers_.known = 0;
        registers_.set(kStackPointer, at + sizeof saved);
        registers_.set(kFramePointer, saved.frame_pointer);
        registers_.pc = saved.return_address;
        exact_ = false;
        return plausible() ? Step::kCaller : Step::kUnknown;
    }
    // A function without a frame pointer keeps its caller's, which leads one too far: the call there is then of another
    // function.
    bool was_called(uintptr_t pc, uintptr_t return_address) {
        uint8_t bytes[kCallBytes];
        if (!room_.memory.read(return_address - kCallBytes, bytes)) return false;
        const Call call = call_before(return_address, bytes);
        if (!call.is || call.target == 0) return call.is;
        const Object& object = known(call.target).object;
        if (!object.header) return call.target <= pc;
        const Function called = function_with(call.target, object);
        return called.begin != call.target;
    }

    WalkRoom& room_;
    Registers& registers_;
    Known* last_ = nullptr;
    const uint64_t now_;
    bool exact_ = true;  // the pc is of an instruction, not behind a call
};

}  // namespace

Walked walk(WalkRoom& room, Memory::Range& own, const Registers& registers, uint64_t now, uint64_t* frames,
            uintptr_t* places, size_t most) {
    Walked walked;
    for (Walk walk(room, own, registers, now);;) {
        const Step step = walk.step();
        if (step == Step::kOutermost) return walked;
        if (step == Step::kUnknown || walked.frames == most) {
            walked.cut = true;
            return walked;
        }
        if (places) places[walked.frames] = walk.place();
        frames[walked.frames++] = walk.frame();
    }
}

}  // namespace tarn::unwind
