<?php
// SPDX-License-Identifier: MIT
// PHP: arrays, strings, and every extension of the list that is there; each is a library opened with
// RTLD_DEEPBIND.
mt_srand(5);
$words = [];
for ($i = 0; $i < 20000; $i++) {
    $word = '';
    for ($k = mt_rand(2, 25); $k > 0; $k--) $word .= chr(97 + mt_rand(0, 25));
    $words[] = $word;
}
$index = [];
foreach ($words as $number => $word) $index[substr($word, 0, 2)][] = ['number' => $number, 'word' => $word];
ksort($index);
$text = json_encode($index);
echo strlen($text), ' ', hash('sha256', $text), "\n";
var_dump(json_decode($text, true) == $index);
echo md5(preg_replace('/([aeiou]+)([^aeiou ]+)/', '$2$1', implode(' ', $words))), "\n";
$blocks = '';
for ($i = 1; $i <= 60; $i++) $blocks .= md5(str_repeat('p', $i * 20000));
echo md5($blocks), ' ', md5(serialize($index)), "\n";
usort($words, fn($a, $b) => strlen($a) <=> strlen($b) ?: strcmp($a, $b));
echo implode(' ', array_slice($words, -3)), "\n";

$parts = [
    'dom' => function () use ($words) {
        $page = new DOMDocument();
        $list = $page->appendChild($page->createElement('list'));
        foreach (array_slice($words, 0, 4000) as $n => $word)
            $list->appendChild($page->createElement('item', $word))->setAttribute('n', (string)$n);
        $path = new DOMXPath($page);
        return [md5($page->saveXML()), $path->query('//item[@n > 3990]')->length];
    },
    'simplexml' => function () {
        $xml = simplexml_load_string('<a>' . str_repeat('<b c="1">text</b>', 3000) . '</a>');
        return [count($xml->b), md5($xml->asXML())];
    },
    'xsl' => function () {
        $sheet = new DOMDocument();
        $sheet->loadXML('<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
            . '<xsl:template match="/"><o><xsl:for-each select="//b"><p><xsl:value-of select="@c"/></p>'
            . '</xsl:for-each></o></xsl:template></xsl:stylesheet>');
        $page = new DOMDocument();
        $page->loadXML('<a>' . str_repeat('<b c="7"/>', 500) . '</a>');
        $processor = new XSLTProcessor();
        $processor->importStylesheet($sheet);
        return md5($processor->transformToXml($page));
    },
    'mbstring' => fn() => [md5(mb_strtoupper(str_repeat('äöü', 5000))), mb_strlen(mb_convert_encoding(str_repeat('é', 9000), 'UTF-16'), 'UTF-16')],
    'iconv' => fn() => md5(iconv('UTF-8', 'ISO-8859-1', str_repeat('grüße ', 8000))),
    'zlib' => fn() => gzuncompress(gzcompress(str_repeat('abc', 50000))) === str_repeat('abc', 50000),
    'openssl' => fn() => md5(openssl_encrypt(str_repeat('x', 60000), 'aes-256-cbc', str_repeat('k', 32), 0, str_repeat('i', 16))),
    'sodium' => fn() => bin2hex(sodium_crypto_generichash(str_repeat('y', 60000))),
    'fileinfo' => fn() => (new finfo(FILEINFO_MIME_TYPE))->buffer("\x89PNG\r\n\x1a\n" . str_repeat("\0", 100)),
    'sqlite3' => function () use ($words) {
        $base = new SQLite3(':memory:');
        $base->exec('create table w (t text)');
        $add = $base->prepare('insert into w values (?)');
        foreach (array_slice($words, 0, 2000) as $word) {
            $add->bindValue(1, $word);
            $add->execute();
        }
        return $base->querySingle('select count(*) || max(t) from w');
    },
    'gmp' => fn() => md5(gmp_strval(gmp_fact(2000))),
    'bcmath' => fn() => md5(bcpow('3', '4000')),
    'intl' => fn() => (new NumberFormatter('de_DE', NumberFormatter::DECIMAL))->format(1234567.891),
    'gd' => function () {
        $image = imagecreatetruecolor(300, 300);
        imagefilledellipse($image, 150, 150, 200, 100, 0xff8800);
        return imagecolorat($image, 150, 150);
    },
    'curl' => fn() => curl_setopt(curl_init(), CURLOPT_URL, 'file:///dev/null'),
    'zip' => fn() => class_exists('ZipArchive'),
    'FFI' => fn() => FFI::new('int[1000]') instanceof FFI\CData,
];
foreach ($parts as $extension => $part) {
    echo $extension, ': ', extension_loaded($extension) ? json_encode($part()) : 'not there', "\n";
}
