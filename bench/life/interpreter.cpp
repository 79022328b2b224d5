// SPDX-License-Identifier: MIT
// The life of an interpreter, written as interpreters in C are, with malloc and free alone: generated
// programs of a small language are cut into tokens, parsed into trees whose nodes are allocated one by one,
// and evaluated; values are strings of at most 64 bytes that grow a few bytes at a time, variables are set
// and dropped in a hash table, output is gathered in a buffer that grows large; everything is freed node by
// node. Own.
//
//   program   = { statement }
//   statement = "set" name "=" sum ";" | "drop" name ";" | "print" sum ";" | "repeat" number "{" program "}"
//   sum       = value { ("+" | ".") value }             "+" adds numbers, "." joins strings
//   value     = number | text | name | "(" sum ")"
//
// Every program is run twice; both times its output must be the same.
#include <cctype>

#include "life/programs.h"
#include "support.h"

namespace {

using life::copy, life::take, life::Text;

constexpr size_t kValueMax = 64;
constexpr size_t kChains = 1024;  // of the hash table; a power of two

// ---- tokens

enum Kind { kEnd, kName, kNumber, kString, kSign };

struct Token {
    Kind kind;
    int line;
    char* text;
    size_t length;
    Token* next;
};

Token* tokens_of(const char* at) {
    Token* first = nullptr;
    Token** last = &first;
    for (int line = 1;;) {
        while (isspace(static_cast<unsigned char>(*at)))
            line += *at++ == '\n';
        const char* const start = at;
        Kind kind = kSign;
        if (!*at) {
            kind = kEnd;
        } else if (isalpha(static_cast<unsigned char>(*at))) {
            kind = kName;
            while (isalnum(static_cast<unsigned char>(*at)) || *at == '_')
                ++at;
        } else if (isdigit(static_cast<unsigned char>(*at))) {
            kind = kNumber;
            while (isdigit(static_cast<unsigned char>(*at)))
                ++at;
        } else if (*at == '"') {
            kind = kString;
            do
                ++at;
            while (*at != '"');
            ++at;
        } else {
            ++at;
        }
        Token* const token = *last = take<Token>();
        const size_t quote = kind == kString;
        *token = {kind, line, nullptr, static_cast<size_t>(at - start) - 2 * quote, nullptr};
        token->text = copy(start + quote, token->length);
        last = &token->next;
        if (kind == kEnd) return first;
    }
}

// ---- trees: nodes of five sizes, 40 to 88 bytes, which begin alike

enum Form { kLiteral, kVariable, kSum, kSet, kDrop, kPrint, kRepeat };

struct Node {
    Form form;
    int line;
    Node* next;  // statement, or operand of a sum
    size_t evaluated;
};
struct Literal : Node {
    char* text;
    size_t length;
};
struct Variable : Node {
    char* name;
    size_t length;
    uint64_t hash;
};
struct Sum : Node {
    Node* first;
    char signs[24];  // of the operands after the first
};
struct Statement : Node {  // set, drop, print
    Variable* variable;
    Node* value;
    Token origin;
};
struct Repeat : Node {
    Node* body;
    long times;
    size_t runs;
    char note[40];
};

template <class T>
T* make(Form form, const Token* token) {
    T* const node = take<T>();
    memset(node, 0, sizeof(T));
    node->form = form;
    node->line = token->line;
    return node;
}

struct Parser {
    Token* token;

    void advance() {
        Token* const done = token;
        token = token->next;
        free(done->text);
        free(done);
    }
    bool at(const char* text) const { return strcmp(token->text, text) == 0; }
    void expect(const char* text) {
        if (!at(text)) bench::fail("a token is not what was generated");
        advance();
    }
    Variable* variable() {
        Variable* const node = make<Variable>(kVariable, token);
        node->name = copy(token->text, token->length);
        node->length = token->length;
        node->hash = 14695981039346656037u;  // FNV-1a
        for (const char* c = node->name; *c; ++c)
            node->hash = (node->hash ^ static_cast<unsigned char>(*c)) * 1099511628211u;
        advance();
        return node;
    }
    Node* value() {
        if (token->kind == kName) return variable();
        if (token->kind == kSign) {
            expect("(");
            Node* const inner = sum();
            expect(")");
            return inner;
        }
        Literal* const node = make<Literal>(kLiteral, token);
        node->text = copy(token->text, token->length);
        node->length = token->length;
        advance();
        return node;
    }
    Node* sum() {
        Node* const first = value();
        if (!at("+") && !at(".")) return first;
        Sum* const node = make<Sum>(kSum, token);
        node->first = first;
        Node* last = first;
        for (size_t i = 0; (at("+") || at(".")) && i < sizeof node->signs; ++i) {
            node->signs[i] = *token->text;
            advance();
            last = last->next = value();
        }
        return node;
    }
    Node* statement() {
        if (at("repeat")) {
            Repeat* const node = make<Repeat>(kRepeat, token);
            advance();
            node->times = strtol(token->text, nullptr, 10);
            snprintf(node->note, sizeof node->note, "line %d, %ld times", node->line, node->times);
            advance();
            expect("{");
            node->body = program();
            expect("}");
            return node;
        }
        Statement* const node = make<Statement>(at("set") ? kSet : at("drop") ? kDrop : kPrint, token);
        advance();
        if (node->form != kPrint) node->variable = variable();
        if (node->form == kSet) expect("=");
        if (node->form != kDrop) node->value = sum();
        expect(";");
        return node;
    }
    Node* program() {
        Node* first = nullptr;
        Node** last = &first;
        while (token->kind != kEnd && !at("}")) {
            *last = statement();
            last = &(*last)->next;
        }
        return first;
    }
};

void release(Node* node) {
    while (node) {
        Node* const next = node->next;
        if (node->form == kLiteral) free(static_cast<Literal*>(node)->text);
        if (node->form == kVariable) free(static_cast<Variable*>(node)->name);
        if (node->form == kSum) release(static_cast<Sum*>(node)->first);
        if (node->form == kRepeat) release(static_cast<Repeat*>(node)->body);
        if (node->form == kSet || node->form == kDrop || node->form == kPrint) {
            release(static_cast<Statement*>(node)->variable);
            release(static_cast<Statement*>(node)->value);
        }
        free(node);
        node = next;
    }
}

// ---- evaluation

struct Binding {
    Binding* next;
    uint64_t hash;
    char* name;
    Text value;
};

struct Machine {
    Binding** chains = nullptr;
    Text output;
    size_t executed = 0;  // statements

    Binding** find(const Variable* variable) const {
        Binding** at = &chains[variable->hash & (kChains - 1)];
        while (*at && ((*at)->hash != variable->hash || strcmp((*at)->name, variable->name) != 0))
            at = &(*at)->next;
        return at;
    }
    static void drop(Binding** at) {
        Binding* const gone = *at;
        *at = gone->next;
        free(gone->name);
        free(gone->value.at);
        free(gone);
    }
    static void join(Text& value, const char* more, size_t length) {
        const size_t left = kValueMax - value.length;
        value.append(more, length < left ? length : left, 8);
    }
    static void add(Text& value, const Text& more) {
        char digits[24];
        const unsigned long sum =
            strtoul(value.at, nullptr, 10) % 1000000007 + strtoul(more.at, nullptr, 10) % 1000000007;
        value.length = 0;
        join(value, digits, static_cast<size_t>(snprintf(digits, sizeof digits, "%lu", sum)));
    }
    Text evaluate(Node* node) {
        Text value;
        ++node->evaluated;
        if (node->form == kLiteral) {
            join(value, static_cast<Literal*>(node)->text, static_cast<Literal*>(node)->length);
        } else if (node->form == kVariable) {
            const Binding* const found = *find(static_cast<Variable*>(node));
            join(value, found ? found->value.at : "unset", found ? found->value.length : 5);
        } else {
            const Sum* const sum = static_cast<Sum*>(node);
            value = evaluate(sum->first);
            const char* sign = sum->signs;
            for (Node* operand = sum->first->next; operand; operand = operand->next, ++sign) {
                Text other = evaluate(operand);
                if (*sign == '+')
                    add(value, other);
                else
                    join(value, other.at, other.length);
                free(other.at);
            }
        }
        return value;
    }
    void set(const Variable* variable, Text value) {
        Binding** const at = find(variable);
        if (*at) {
            free((*at)->value.at);
            (*at)->value = value;
            return;
        }
        *at = take<Binding>();
        **at = {nullptr, variable->hash, copy(variable->name, variable->length), value};
    }
    void execute(Node* node) {
        for (; node; node = node->next, ++executed) {
            if (node->form == kRepeat) {
                Repeat* const repeat = static_cast<Repeat*>(node);
                for (long i = 0; i < repeat->times; ++i, ++repeat->runs)
                    execute(repeat->body);
                continue;
            }
            Statement* const statement = static_cast<Statement*>(node);
            if (statement->form == kDrop) {
                Binding** const at = find(statement->variable);
                if (*at) drop(at);
                continue;
            }
            Text value = evaluate(statement->value);
            if (statement->form == kSet) {
                set(statement->variable, value);
                continue;
            }
            output.append(value.at, value.length, 0);
            output.append("\n");
            free(value.at);
        }
    }
};

// Generates and runs a program; returns its output's checksum.
uint64_t live(uint64_t seed, size_t statements, size_t* executed) {
    bench::Random random(seed);
    Text text;
    for (size_t i = 0; i < statements; ++i)
        life::append_statement(text, random, 0);
    Parser parser{tokens_of(text.at)};
    free(text.at);
    Node* const program = parser.program();
    if (parser.token->kind != kEnd) bench::fail("the program does not end where it should");
    parser.advance();

    Machine machine;
    machine.chains = static_cast<Binding**>(calloc(kChains, sizeof(Binding*)));
    if (!machine.chains) bench::fail("out of memory");
    for (int i = 0; i < 3; ++i)
        machine.execute(program);
    release(program);
    for (size_t i = 0; i < kChains; ++i)
        while (machine.chains[i])
            Machine::drop(&machine.chains[i]);
    free(machine.chains);
    uint64_t checksum = machine.output.length;
    for (size_t i = 0; i < machine.output.length; ++i)
        checksum = checksum * 31 + static_cast<unsigned char>(machine.output.at[i]);
    free(machine.output.at);
    *executed += machine.executed;
    return checksum;
}

}  // namespace

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    const size_t programs = arguments.scaled("--programs", 4);
    const size_t statements = arguments.number("--statements", 20000);  // of each
    arguments.end();

    size_t executed = 0;
    for (size_t i = 0; i < programs; ++i)
        if (live(i, statements, &executed) != live(i, statements, &executed))
            bench::fail("a program's output has changed");
    bench::work(executed, "statements");
}
