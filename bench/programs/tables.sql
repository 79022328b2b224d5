-- SPDX-License-Identifier: MIT
-- SQLite: tables in memory filled by a recursive query, an index, joins, grouping, sorting, updates, deletes.
pragma cache_size = -64000;
create table place (number integer primary key, name text, height real, note text);
create table visit (number integer primary key, place integer, year integer, remark text);
begin;
insert into place
  with recursive n(i) as (select 1 union all select i + 1 from n where i < 30000)
  select i, printf('place %d', i * 7919 % 30011), i * 104729 % 4810 / 1.5,
         substr('a long note of some sixty characters, cut off at different places', 1, i % 60) from n;
insert into visit
  with recursive n(i) as (select 1 union all select i + 1 from n where i < 240000)
  select i, i * 7919 % 30000 + 1, 1900 + i * 31 % 120, printf('%d: %s', i, hex(i * 65537)) from n;
commit;
create index visit_place on visit(place);
create index place_name on place(name);
select count(*), round(avg(height), 3), sum(length(note)) from place;
select year, count(*), max(remark) from visit join place on place.number = visit.place
  where height > 2000 group by year order by 2 desc, year limit 5;
select substr(name, 1, 8) as start, count(*), length(group_concat(note, '|')) from place group by start
  order by 2 desc, start limit 5;
update place set note = upper(note) || name where number % 3 = 0;
delete from visit where place in (select number from place where height < 500);
select count(*), count(distinct place), sum(length(remark)) from visit;
select name, height, (select count(*) from visit where visit.place = place.number) as visits from place
  order by visits desc, height desc, name limit 5;
