-- What a statement that is run for a caller needs and the caller alone could not set.

-- API: Private. SECURITY DEFINER since only superusers may set temp_file_limit; it never raises the limit.
create or replace function nl2sql._limit_temporary_files()
returns void
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    -- not from pg_settings: that view reads every setting there is
    now_bytes constant bigint := pg_size_bytes(current_setting('temp_file_limit'));
begin
    if now_bytes < 0 or now_bytes > 256 * 1024 * 1024 then
        perform set_config('temp_file_limit', '256MB', true);
    end if;
end
$plpgsql$;
comment on function nl2sql._limit_temporary_files() is 'cap temporary files of the current transaction at 256 MB';
