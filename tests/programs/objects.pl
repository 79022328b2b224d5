# SPDX-License-Identifier: MIT
# Perl: hashes, strings grown by concatenation, sort, regular expressions, sub-processes, threads of data.
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);

my $seed = 42;
sub dice { $seed = ($seed * 1103515245 + 12345) % 2147483648; return int($seed / 65536) % $_[0]; }

my (%index, @records);
for my $number (1 .. 30000) {
    my $word = join '', map { chr(97 + dice(26)) } 1 .. 3 + dice(20);
    push @{ $index{ substr $word, 0, 2 } }, { number => $number, word => $word };
    push @records, [ $word, $number ] if $number % 3 == 0;
}
print scalar(keys %index), " prefixes\n";
my $text = '';
for my $prefix (sort keys %index) {
    $text .= "$prefix:" . join(',', sort map { $_->{word} } @{ $index{$prefix} }) . "\n";
    delete $index{$prefix} if length($text) % 2;
}
print length($text), ' ', md5_hex($text), "\n";
(my $swapped = $text) =~ s/([a-m]+)([n-z]+)/$2$1/g;
print md5_hex($swapped), ' ', scalar(() = $swapped =~ /[aeiou]{2,}/g), "\n";
my @sorted = sort { $a->[0] cmp $b->[0] || $a->[1] <=> $b->[1] } @records;
print join(' ', map { "$_->[0]=$_->[1]" } @sorted[ 0 .. 9 ]), "\n";
my @blocks = map { 'x' x ($_ * 20000) } 1 .. 40;
print md5_hex(join '', @blocks), "\n";
my $tree;
for my $key (map { dice(100000) } 1 .. 5000) {
    my $place = \$tree;
    $place = $key < $$place->{key} ? \$$place->{left} : \$$place->{right} while $$place;
    $$place = { key => $key };
}
sub depth { my $node = shift or return 0; my ($l, $r) = map { depth($node->{$_}) } qw(left right); 1 + ($l > $r ? $l : $r) }
print depth($tree), "\n";
my $pid = open(my $child, '-|') // die;
if (!$pid) { print md5_hex(join ',', map { $_->[0] } reverse @sorted), "\n"; exit 0 }
print "child: ", <$child>;
close $child or die;
