// SPDX-License-Identifier: MIT
// The format is described at https://github.com/google/pprof/tree/main/proto; the numbers of its fields are named here.
#include <zlib.h>

#include <map>
#include <stdexcept>
#include <tuple>

#include "reader/formats/formats.h"
#include "reader/formats/protobuf.h"
#include "reader/text.h"

namespace tarn::reader {
namespace {

enum ProfileField : uint32_t {
    kSampleType = 1,
    kSample = 2,
    kMapping = 3,
    kLocation = 4,
    kFunction = 5,
    kStringTable = 6,
    kTimeNanos = 9,
    kDurationNanos = 10,
    kPeriodType = 11,
    kPeriod = 12,
    kComment = 13,
    kDefaultSampleType = 14
};
enum ValueTypeField : uint32_t { kType = 1, kUnit = 2 };
enum SampleField : uint32_t { kLocationId = 1, kValue = 2 };
enum MappingField : uint32_t {
    kMappingId = 1,
    kMemoryStart = 2,
    kMemoryLimit = 3,
    kFileOffset = 4,
    kFilename = 5,
    kBuildId = 6,
    kHasFunctions = 7,
    kHasFilenames = 8,
    kHasLineNumbers = 9,
    kHasInlineFrames = 10
};
enum LocationField : uint32_t { kId = 1, kMappingOf = 2, kAddress = 3, kLine = 4 };
enum LineField : uint32_t { kFunctionId = 1, kLineNumber = 2 };
enum FunctionField : uint32_t {
    kFunctionNumber = 1,
    kName = 2,
    kSystemName = 3,
    kSourceFile = 4,
    kStartLine = 5
};

// The format's numbers are signed.
uint64_t bounded(uint64_t value) {
    return value > INT64_MAX ? INT64_MAX : value;
}

class Writer {
  public:
    Writer(const Record& record, const Profile& profile) : record_(record), profile_(profile) { string(""); }

    std::string written() {
        for (const char* type : {"alloc", "inuse", "peak"}) {
            value_type(kSampleType, std::string(type) + "_objects", "count");
            value_type(kSampleType, std::string(type) + "_space", "bytes");
        }
        for (const Trace& trace : profile_.traces)
            sample(trace);
        mappings();
        for (uint32_t i = 0; i < profile_.locations.size(); ++i)
            location(i);
        const tarn_record_header& header = record_.header;
        uint64_t lasted = record_.last_ns() - header.started_ns;
        out_.number(kTimeNanos, bounded(header.started_realtime_ns + lasted));
        out_.number(kDurationNanos, bounded(lasted));
        value_type(kPeriodType, "space", "bytes");
        out_.number(kPeriod, bounded(record_.interval()));
        out_.number(kDefaultSampleType, string("inuse_space"));
        out_.numbers(kComment, {string("tarn " + printable(record_.who.tarn_version) + ", process " +
                                       std::to_string(record_.who.pid))});
        for (const std::string& text : table_)
            out_.text(kStringTable, text);
        return out_.bytes();
    }

  private:
    uint64_t string(const std::string& text) {
        auto [found, is_new] = strings_.try_emplace(text, strings_.size());
        if (is_new) table_.push_back(text);
        return found->second;
    }

    void value_type(uint32_t field, const std::string& type, const std::string& unit) {
        Protobuf value;
        value.number(kType, string(type));
        value.number(kUnit, string(unit));
        out_.message(field, value);
    }

    void sample(const Trace& trace) {
        const Values& values = trace.values;
        std::vector<uint64_t> locations;
        for (uint32_t location : trace.locations)
            locations.push_back(location + 1);
        Protobuf sample;
        sample.numbers(kLocationId, locations);
        sample.numbers(kValue, {bounded(values.allocated_objects), bounded(values.allocated_bytes),
                                bounded(values.live_objects), bounded(values.live_bytes),
                                bounded(values.peak_objects), bounded(values.peak_bytes)});
        out_.message(kSample, sample);
    }

    // pprof takes the first for that of the program itself.
    void mappings() {
        std::vector<uint32_t> order;
        for (bool executable : {true, false})
            for (uint32_t i = 0; i < record_.modules.size(); ++i)
                if ((record_.modules[i].path == record_.who.executable) == executable) order.push_back(i);
        for (uint32_t i : order)
            mapping(i);
    }

    void mapping(uint32_t number) {
        const Module& module = record_.modules[number];
        size_t used = 0, named = 0, filed = 0;
        for (const Location& location : profile_.locations) {
            if (location.module != number) continue;
            ++used;
            named += !location.lines.empty() && !location.lines[0].function.empty();
            filed += !location.lines.empty() && !location.lines[0].file.empty();
        }
        // What is said to have names is not looked up again by who reads it, who may have what is missing here.
        bool whole = used != 0 && named == used;
        bool lines = whole && filed != 0;
        Protobuf out;
        out.number(kMappingId, number + 1);
        out.number(kMemoryStart, module.begin);
        out.number(kMemoryLimit, module.end);
        out.number(kFileOffset, module.file_offset);
        out.number(kFilename, string(printable(module.path)));
        out.number(kBuildId, string(hexadecimal(module.build_id)));
        out.number(kHasFunctions, whole);
        out.number(kHasFilenames, lines);
        out.number(kHasLineNumbers, lines);
        out.number(kHasInlineFrames, lines);
        out_.message(kMapping, out);
    }

    void location(uint32_t number) {
        const Location& from = profile_.locations[number];
        Protobuf out;
        out.number(kId, number + 1);
        if (from.module != kNoModule) out.number(kMappingOf, from.module + 1);
        out.number(kAddress, from.address);
        for (size_t i = 0; i < from.lines.size(); ++i) {
            Protobuf at;
            at.number(kFunctionId, function(function_name(record_, from, i), from.lines[i]));
            at.number(kLineNumber, from.lines[i].line);
            out.message(kLine, at);
        }
        out_.message(kLocation, out);
    }

    uint64_t function(const std::string& name, const Line& line) {
        std::tuple<std::string, std::string, std::string> key(name, line.symbol, line.file);
        auto [found, is_new] = functions_.try_emplace(key, functions_.size() + 1);
        if (!is_new) return found->second;
        Protobuf out;
        out.number(kFunctionNumber, found->second);
        out.number(kName, string(name));
        out.number(kSystemName, string(line.symbol.empty() ? name : line.symbol));
        out.number(kSourceFile, string(line.file));
        out.number(kStartLine, line.first_line);
        out_.message(kFunction, out);
        return found->second;
    }

    const Record& record_;
    const Profile& profile_;
    Protobuf out_;
    std::map<std::string, uint64_t> strings_;
    std::vector<std::string> table_;
    std::map<std::tuple<std::string, std::string, std::string>, uint64_t> functions_;
};

std::string gzipped(const std::string& bytes) {
    constexpr int kGzip = 16 + MAX_WBITS, kMemory = 8;
    z_stream stream = {};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) != Z_OK)
        throw std::runtime_error("no memory to compress the profile");
    std::string packed, piece(1 << 16, '\0');
    size_t taken = 0;
    int status = Z_OK;
    while (status != Z_STREAM_END) {
        size_t part = std::min<size_t>(bytes.size() - taken, 1 << 20);  // avail_in has 32 bits
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + taken));
        stream.avail_in = static_cast<uInt>(part);
        stream.next_out = reinterpret_cast<Bytef*>(piece.data());
        stream.avail_out = static_cast<uInt>(piece.size());
        status = deflate(&stream, taken + part == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
        taken += part - stream.avail_in;
        packed.append(piece, 0, piece.size() - stream.avail_out);
    }
    deflateEnd(&stream);
    return packed;
}

}  // namespace

std::string pprof(const Record& record, const Profile& profile) {
    return gzipped(Writer(record, profile).written());
}

}  // namespace tarn::reader
