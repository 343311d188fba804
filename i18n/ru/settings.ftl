# settings: words for people. One id, one meaning; the same ids in every language.
# Each setting of src/config/settings.rs is explained by setting- and its name; assets/.env.example and docs/settings.md
# are made of them.

settings-head =
    Настройки kmi-tui. Здесь все переменные с их значениями по умолчанию; пустое значение — то же, что не заданное.
    Скопируйте это в ./.env или назовите файл через --env-file или KMI_ENV_PATH. Чем выше, тем важнее: параметры,
    названный файл, окружение, ./.env, значения по умолчанию. Переключатели: 1/0, true/false, yes/no, on/off.
    «Только из доверенного файла»: в ./.env действует после kmi-tui trust.
settings-head-new =
    Настройки kmi-tui. Строка с #KMI_ — значение по умолчанию: чтобы изменить его, уберите #.
    «Только из доверенного файла»: в ./.env действует после kmi-tui trust.
settings-trusted = Только из доверенного файла.
settings-loopback-only = Для адреса вне этой машины — только из доверенного файла.
settings-never = Только в окружении процесса, в файле не действует.

## Sections

settings-places = Где что лежит
settings-address = Локальный адрес
settings-upstream = Апстрим
settings-rotation = Ротация
settings-health = Состояние ключей
settings-remote = Доступ с других машин
settings-limits = Ограничения
settings-records = Трасса и журнал
settings-look = Внешний вид
settings-files = Записи и файлы

## Settings

setting-kmi-env-path = Файл настроек, который читается вместо ./.env.
setting-kmi-auths-dir = Папка с файлами ключей; если не задана — ./_auths, иначе ~/.kimi/_auths.
setting-kmi-state-dir = Папка состояния, трассы, журналов и сокета.
setting-kmi-proxy-listen = Где слушает прокси: хост:порт; IPv6 в квадратных скобках; порт 0 — любой свободный.
setting-kmi-proxy-base-path = С чего начинаются пути; первый знак — /.
setting-kmi-upstream-base-url = Куда идут ключи, у которых нет своего адреса: https, а http — только на эту машину.
setting-kmi-upstream-allowlist = Куда ещё можно отправлять ключи, кроме хостов Kimi и Moonshot и этой машины: через запятую, *.домен, * — куда угодно.
setting-kmi-dry-run = 1 — имитировать ответы апстрима, ничего не отправляя.
setting-kmi-auto-rotate-allowed = 1 — авторотацию можно включить; объединять ключи должны позволять условия провайдера.
setting-kmi-auto-rotate-e2e = 1 — при включении авторотации из командной строки проверить её на деле.
setting-kmi-strategy = Как авторотация выбирает ключ: round-robin, most-remaining, least-busy, priority.
setting-kmi-affinity-seconds = Сколько времени беседа остаётся на своём ключе ради кэша промптов у апстрима; 0 — нисколько.
setting-kmi-rotation-cooldown-seconds = Сколько отдыхает отвергнутый ключ, если апстрим не назвал срок.
setting-kmi-rotate-on-tie = 1 — если лучших ключей несколько, ручная ротация переходит к следующему.
setting-kmi-rotate-include-warn = 1 — авторотация берёт и ключи в состоянии «внимание».
setting-kmi-write-config = 1 — ручная ротация записывает ключ в ~/.kimi/config.toml.
setting-kmi-payment-block-seconds = На сколько блокируется ключ после отказа из-за оплаты; 0 — до снятия вручную.
setting-kmi-require-usage-before-request = 1 — использовать только ключи, у которых есть удачная проверка квоты.
setting-kmi-fail-open-on-empty-cache = 1 — при этом ключи, которые ещё ни разу не проверялись, всё же используются.
setting-kmi-usage-cache-seconds = Время между проверками квоты ключа; 0 — не проверять, иначе не меньше 300.
setting-kmi-blocklist-recheck-seconds = Время между повторными проверками заблокированного ключа; 0 — никогда.
setting-kmi-blocklist-recheck-max = Сколько таких проверок начинать разом; 0 — без ограничения.
setting-kmi-proxy-allow-remote = 1 — могут подключаться другие машины. Для адреса вне этой машины нужны это, токен не короче 16 знаков и TLS.
setting-kmi-proxy-token = Что должны предъявлять клиенты; не задан — открыто для этой машины.
setting-kmi-proxy-require-tls = 0 — доступ с других машин без TLS.
setting-kmi-proxy-tls-terminated = 1 — TLS заканчивается перед прокси.
setting-kmi-proxy-tls-cert = Цепочка сертификатов PEM, чтобы прокси сам говорил по TLS.
setting-kmi-proxy-tls-key = Закрытый ключ сертификата, PEM.
setting-kmi-proxy-max-rps = Запросов в секунду на все ключи вместе; 0 — без ограничения.
setting-kmi-proxy-max-rpm = Запросов в минуту на все ключи вместе; 0 — без ограничения.
setting-kmi-proxy-max-rps-per-key = Запросов в секунду на каждый ключ; 0 — без ограничения.
setting-kmi-proxy-max-rpm-per-key = Запросов в минуту на каждый ключ; 0 — без ограничения.
setting-kmi-proxy-retry-max = Сколько ещё попыток на том же ключе после временного сбоя.
setting-kmi-proxy-retry-base-ms = Пауза перед первой такой попыткой в миллисекундах; каждый раз она удваивается.
setting-kmi-proxy-failover = 1 — до первого байта ответа переходить к другому ключу.
setting-kmi-hold-seconds = Сколько запрос ждёт, пока вернётся хоть один ключ; 0 — сразу ответ 503.
setting-kmi-proxy-connect-timeout-seconds = Сколько ждать соединения с апстримом.
setting-kmi-proxy-head-timeout-seconds = Сколько ждать начала ответа апстрима.
setting-kmi-proxy-idle-timeout-seconds = Сколько ждать между двумя байтами ответа.
setting-kmi-proxy-max-body-mb = На тело запроса больше этого — ответ 413.
setting-kmi-proxy-max-connections = Остальные соединения ждут.
setting-kmi-proxy-headers = 1 — в ответах есть x-kmi-key, x-kmi-attempts и x-kmi-request-id.
setting-kmi-metrics-listen = адрес:порт, где Prometheus может запрашивать /metrics; пусто = только на управляющем сокете.
setting-kmi-shutdown-seconds = Сколько при остановке ждать идущих потоков.
setting-kmi-trace-prompts = 0 — никаких слов из промптов в трассе.
setting-kmi-trace-max-mb = При таком размере трасса начинается с нового файла; 0 — никогда.
setting-kmi-trace-backups = Сколько прежних файлов трассы хранить.
setting-kmi-log-max-mb = При таком размере журнал начинается с нового файла; 0 — никогда.
setting-kmi-log-backups = Сколько прежних файлов журнала хранить.
setting-kmi-timezone = local, UTC, +03:00 или имя вроде Europe/Berlin.
setting-kmi-locale = en или ru; если не задано — язык системы, иначе en.
setting-kmi-theme = Цвета панели: dark, light, high-contrast, colour-blind, mono, своя тема (docs/themes.md) или auto — dark или light.
setting-kmi-fps = Сколько кадров в секунду рисует панель, от 1 до 30; на медленной линии лучше меньше. На клавиши она отвечает сразу.
setting-kmi-reduced-motion = 1 — сама панель меняется не чаще раза в секунду.
setting-kmi-notify = Зовёт вас, когда ключ заблокирован, ключей не осталось или квота на исходе: bell (звонок терминала), terminal (уведомление терминала, если он умеет), desktop (notify-send, osascript) или off.
setting-kmi-notify-quota-percent = Ниже скольких процентов квота на исходе; 0 — никогда.
setting-kmi-plain = 1 — простой вывод.
setting-kmi-no-color = 1 — без цвета.
setting-no-color = Любое значение — без цвета (no-color.org).
setting-kmi-audit-actor = Кто назван в записях аудита; если не задано — $USER.
setting-kmi-enforce-file-perms = 1 — держать папки с правами 700, файлы с 600.
