-- SPDX-License-Identifier: MIT
-- sqlite3: a data base file, indexes, sorts that exceed the page cache, JSON, window functions.
pragma cache_size = 200;
create table item (id integer primary key, name text, price real, note text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 40000)
insert into item select i, printf('%x-%d', i * 2654435761 % 4294967296, i), i % 997 / 7.0,
    substr(hex(zeroblob(40)), 1, i % 80) from n;
create index by_name on item (name);
create index by_price on item (price, name);
select count(*), round(sum(price), 3), max(name), min(note) from item;
select name from item order by name desc limit 3;
select substr(name, 1, 1) as head, count(*), group_concat(distinct length(note)) from item group by head;
select count(*) from item a join item b on a.name = b.name where b.price > 70;
select id, sum(price) over (order by id rows 5 preceding) from item limit 3 offset 20000;
select length(json_group_array(json_object('id', id, 'name', name))) from item where id % 5 = 0;
update item set note = note || name where id % 3 = 0;
delete from item where id % 7 = 0;
vacuum;
select count(*), sum(length(note)) from item;
select length(randomblob(3000000)), length(replace(hex(zeroblob(500000)), '0', 'ab'));
pragma integrity_check;
