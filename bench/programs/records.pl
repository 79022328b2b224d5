# SPDX-License-Identifier: MIT
# Perl: hashes of arrays of hashes, strings that grow, split, join, sort, regular expressions.
use strict;
use warnings;

my $state = 7;
sub below { $state = ($state * 1103515245 + 12345) & 0x7fffffff; return ($state >> 8) % $_[0]; }

my $total = 0;
for my $phase (1 .. 3) {
    my %groups;
    for my $i (0 .. 40000) {
        push @{$groups{"group" . below(3000)}}, {id => $i, name => "name $i" x (1 + $i % 3), parts => [$i, $i % 7]};
    }
    for my $key (sort keys %groups) {
        my @rows = sort { $b->{id} <=> $a->{id} } @{$groups{$key}};
        $total += $rows[0]{id} + length join(',', map { $_->{name} } @rows);
        delete $groups{$key} if below(2);
    }
    my $text = '';
    $text .= chr(97 + below(26)) x (1 + below(9)) . ' ' for 1 .. 30000;
    my %seen;
    $seen{$_}++ for split ' ', $text;
    (my $changed = $text) =~ s/([aeiou]+)(\s)/<$1>$2/g;
    $total += scalar(keys %seen) + length $changed;
}
print "$total\n";
