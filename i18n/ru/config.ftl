# config: words for people. One id, one meaning; the same ids in every language.

## Откуда значение; завершает предложение.

config-from-flag = из { $flag }
config-from-file = из { $file }
config-from-environment = из окружения
config-from-default = по умолчанию

## Значения не того вида. Значение, в котором может быть секрет, показывается как ***.

config-not-switch = { $name } = «{ $value }»: нужно 1 или 0 (или true/false, yes/no, on/off) — { $source }
config-not-number = { $name } = «{ $value }»: нужно целое число от { $least } до { $most } — { $source }
config-not-word = { $name } = «{ $value }»: нужно одно из: { $words } — { $source }
config-listen = { $name } = «{ $value }»: нужно хост:порт, где хост — IP-адрес (IPv6 в скобках) или localhost — { $source }
config-base-path = { $name } = «{ $value }»: путь должен начинаться с / и состоять из простых частей, например /kmi-rotor/v1 — { $source }
config-zone = { $name } = «{ $value }»: нужно local, UTC, смещение вроде +03:00 или зона вроде Europe/Moscow — { $source }
config-locale = { $name } = «{ $value }»: нужно en или ru — { $source }
config-token = { $name }: нужны печатные символы ASCII без пробелов — { $source }
config-no-home = { $name } начинается с ~, но домашней папки нет — { $source }

## Вышестоящий сервер

config-upstream = { $name } = «{ $value }»: негодный адрес, { $reason } — { $source }
config-upstream-syntax = это не URL
config-upstream-no-host = он должен начинаться с https:// и называть хост
config-upstream-scheme = нужен https (http только к этой машине)
config-upstream-user = в нём не должно быть имени пользователя и пароля
config-upstream-query = в нём не должно быть ? и #
config-upstream-not-allowed = { $name } называет { $host }, а этот хост не разрешён; добавьте его в KMI_UPSTREAM_ALLOWLIST, если доверяете ему ключи — { $source }

## Удалённый доступ

config-remote = { $name }: { $address } доступен с других машин; если так и задумано, задайте KMI_PROXY_ALLOW_REMOTE=1 — { $source }
config-remote-token = { $name }: { $address } доступен с других машин; в KMI_PROXY_TOKEN нужно не меньше { $least } { $least ->
    [one] символа
    [few] символов
    [many] символов
   *[other] символов
} — { $source }
config-remote-tls = { $name }: { $address } доступен с других машин; задайте KMI_PROXY_TLS_CERT и KMI_PROXY_TLS_KEY либо KMI_PROXY_TLS_TERMINATED=1, если TLS завершается перед ним — { $source }
config-tls-half = { $name } не задан: сертификат и его ключ задаются вместе — { $source }
config-tls-missing = { $name }: файла { $file } нет — { $source }
config-tls-key-open = { $name }: { $file } могут прочитать другие пользователи этой машины. Сделайте chmod 600 — { $source }

## Файлы

config-env-missing = { $file } не существует
config-env-denied = { $file }: нет прав на чтение
config-env-unreadable = { $file } не удаётся прочитать
config-env-broken = { $file }: это не текстовый файл в UTF-8
config-env-large = { $file } больше 1 МиБ: это не файл настроек
config-env-lines = { $file }: { $count ->
    [one] { $count } строка не вида ИМЯ=значение и пропущена, первая — { $line }
    [few] { $count } строки не вида ИМЯ=значение и пропущены, первая — { $line }
    [many] { $count } строк не вида ИМЯ=значение и пропущены, первая — { $line }
   *[other] { $count } строки не вида ИМЯ=значение и пропущены, первая — { $line }
}
config-untrusted = { $file } пока не доверен, поэтому эти настройки в нём не действуют: { $names }. Если файл ваш, выполните: kmi-tui trust
config-not-in-file = { $name } в файле не действует; задайте его в окружении или используйте --env-file — { $source }

## Странные имена и значения

config-unknown = { $name }: такой настройки нет — { $source }
config-unknown-near = { $name }: такой настройки нет; может быть, { $near }? — { $source }
config-refresh-raised = { $name } меньше, чем { $least }; расход проверяется раз в { $least } — { $source }
config-needs-restart = { $name }: значение изменилось; оно подействует после перезапуска.
config-watch-limit = Изменения файлов замечаются только раз в { $interval }: исчерпан системный лимит наблюдений за файлами. В Linux увеличьте fs.inotify.max_user_watches или fs.inotify.max_user_instances.
config-watch-fault = Изменения файлов замечаются только раз в { $interval }: система о них не сообщает ({ $error }).

## Файлы ключей

auth-folder-missing = Папки ключей { $folder } нет. Создайте её и положите туда файл вроде alpha.env со строкой KMI_API_KEY=…
auth-folder-is-file = { $folder } должна быть папкой с файлами ключей, но это файл. Задайте в KMI_AUTHS_DIR папку.
auth-folder-unreadable = Папка ключей { $folder } не читается. Проверьте права.
auth-folder-too-full = В папке ключей { $folder } слишком много файлов; { $count ->
    [one] { $count } файл не просмотрен
    [few] { $count } файла не просмотрены
    [many] { $count } файлов не просмотрены
   *[other] { $count } файла не просмотрены
}. Задайте в KMI_AUTHS_DIR папку, где только файлы ключей.
auth-unreadable = { $file } не читается и пропущен. Проверьте права.
auth-too-large = { $file } слишком велик для файла ключа и пропущен.
auth-not-utf8 = { $file } — не текст в UTF-8 и пропущен.
auth-syntax = { $file }, строка { $line }: файл не удаётся разобрать, он пропущен. Исправьте синтаксис в этом месте.
auth-bad-lines = { $file }: { $count ->
    [one] { $count } строка не вида ИМЯ=значение и пропущена, первая — { $line }
    [few] { $count } строки не вида ИМЯ=значение и пропущены, первая — { $line }
    [many] { $count } строк не вида ИМЯ=значение и пропущены, первая — { $line }
   *[other] { $count } строки не вида ИМЯ=значение и пропущены, первая — { $line }
}
auth-no-key = В { $file } нет ключа API; файл пропущен. В файле .env нужен KMI_API_KEY, в .toml и .json — провайдер с api_key.
auth-key-too-long = { $file }: ключ слишком длинный; файл пропущен.
auth-key-character = { $file }: в ключе пробел или другой символ, которого в ключах не бывает; файл пропущен. Скопируйте ключ заново.
auth-url = { $file }: базовый URL — не простой URL с хостом; файл пропущен.
auth-url-scheme = { $file }: базовый URL должен быть https (http — только к этому компьютеру); файл пропущен.
auth-url-user = { $file }: в базовом URL не должно быть имени и пароля; файл пропущен.
auth-host-not-allowed = { $file } отправляет ключ на { $host }, а этот хост не разрешён; файл пропущен. Если всё верно, добавьте хост в KMI_UPSTREAM_ALLOWLIST.
auth-kept = { $file }: { $reason }. Прежний ключ из него остаётся в работе.
auth-now-unreadable = сейчас он не читается
auth-now-too-large = он слишком велик для файла ключа
auth-now-not-utf8 = это не текст в UTF-8
auth-now-syntax = строку { $line } не удаётся разобрать
auth-now-empty = он пуст
auth-open-to-others = { $file } могут читать другие пользователи этого компьютера. Задайте chmod 600.
auth-same-key = В { $file } тот же ключ, что в { $first }; он используется один раз.
auth-same-label = { $file }: имя { $label } занято, ключ назван { $given }. Задайте своё имя в KMI_KEY_LABEL.
auth-priority = { $file }: KMI_KEY_PRIORITY равен «{ $value }», а это не целое число; берётся 0.
auth-disabled = { $file }: KMI_KEY_DISABLED равен «{ $value }», а это ни да, ни нет; ключ остаётся включённым.
