//! What the C programs in `tests/c` cannot see: panics, and that the layout is the one in C.

use std::ffi::{CStr, CString, c_char, c_void};
use std::mem::{offset_of, size_of};
use std::ptr::{null, null_mut};

use emnify_simulator::{DEFAULT_APPLICATION_TOKEN, Simulator};

use super::boundary::PANIC;
use super::*;

/// Every object that a function can be asked about, all of them alive.
struct Alive {
    client: *mut emnify_client,
    response: *mut emnify_response,
    error: *mut emnify_error,
    application_tokens: *mut emnify_application_tokens,
    _sim: Simulator,
}

impl Alive {
    fn new() -> Self {
        let sim = Simulator::builder().start().unwrap();
        let url = CString::new(sim.base_url()).unwrap();
        let token = CString::new(DEFAULT_APPLICATION_TOKEN).unwrap();
        let (mut client, mut response, mut error) = (null_mut(), null_mut(), null_mut());
        let mut application_tokens = null_mut();
        // SAFETY: all zeros is a config, and every pointer is valid.
        unsafe {
            let mut config: emnify_config = std::mem::zeroed();
            config.struct_size = size_of::<emnify_config>();
            config.application_token = token.as_ptr();
            config.base_url = url.as_ptr();
            assert_eq!(
                emnify_client_new(&raw const config, &raw mut client, null_mut()),
                EMNIFY_OK
            );
            assert_eq!(get(client, &raw mut response, null_mut()), EMNIFY_OK);
            let list = &raw mut application_tokens;
            assert_eq!(emnify_application_token_list(client, list, null_mut()), EMNIFY_OK);
            assert_ne!(emnify_auth_token(null_mut(), null_mut(), &raw mut error), EMNIFY_OK);
        }
        Self { client, response, error, application_tokens, _sim: sim }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        emnify_free(self.client.cast());
        emnify_free(self.response.cast());
        emnify_free(self.error.cast());
        emnify_free(self.application_tokens.cast());
    }
}

unsafe fn get(
    client: *mut emnify_client,
    response: *mut *mut emnify_response,
    error: *mut *mut emnify_error,
) -> emnify_status {
    let (method, path) = (c"GET".as_ptr(), c"/api/v1/sim".as_ptr());
    // SAFETY: as the caller promises.
    unsafe { emnify_request(client, method, path, null(), response, error) }
}

unsafe extern "C" fn keep(_: *const c_char, _: *mut c_void) -> i32 {
    0
}

/// What is not to be left as it is.
fn poison<T>() -> *mut T {
    std::ptr::without_provenance_mut(0x5A5A)
}

fn text_at(text: *const c_char) -> &'static CStr {
    // SAFETY: only called with what the library lends or has made constant.
    unsafe { CStr::from_ptr(text) }
}

/// Whether a call has failed as after a panic.
fn internal(status: emnify_status, error: *mut emnify_error) -> bool {
    PANIC.set(false);
    let reported = !error.is_null()
        && emnify_error_status(error) == EMNIFY_ERROR_INTERNAL
        && text_at(emnify_error_message(error)).to_str().is_ok_and(|it| it.contains("defect"));
    emnify_free(error.cast());
    status == EMNIFY_ERROR_INTERNAL && reported
}

/// Each exported function, called so that it would succeed, while all work panics: whether what
/// comes back is what the header promises.
fn with_a_panic(name: &str, alive: &Alive) -> bool {
    let Alive { client, response, error, application_tokens, .. } = *alive;
    let mut out_error: *mut emnify_error = poison();
    let mut out_text: *mut c_char = poison();
    let mut out_client: *mut emnify_client = poison();
    let mut out_response: *mut emnify_response = poison();
    let mut out_tokens: *mut emnify_application_tokens = poison();
    let mut buffer = *b"########";
    let (mut length, mut seconds, mut id, mut revoked) = (99_usize, 99_u32, 99_u64, 99_i32);
    let text = c"text".as_ptr();
    let error_out = &raw mut out_error;

    PANIC.set(true);
    // SAFETY: the objects are alive, the texts constant, and the out parameters local variables.
    unsafe {
        match name {
            "emnify_client_new" => {
                let status = emnify_client_new(null(), &raw mut out_client, error_out);
                internal(status, out_error) && out_client.is_null()
            }
            "emnify_auth_token" => {
                let status = emnify_auth_token(client, &raw mut out_text, error_out);
                internal(status, out_error) && out_text.is_null()
            }
            "emnify_auth_token_copy" => {
                let (to, lengths) = (buffer.as_mut_ptr().cast(), &raw mut length);
                let status =
                    emnify_auth_token_copy(client, to, 8, lengths, &raw mut seconds, error_out);
                internal(status, out_error)
                    && buffer == *b"\0#######"
                    && (length, seconds) == (0, 0)
            }
            "emnify_request" => {
                let status = get(client, &raw mut out_response, error_out);
                internal(status, out_error) && out_response.is_null()
            }
            "emnify_renew_if_due" => {
                let status = emnify_renew_if_due(client, &raw mut seconds, error_out);
                internal(status, out_error) && seconds == 1
            }
            "emnify_set_application_token" => {
                let status = emnify_set_application_token(client, text, error_out);
                internal(status, out_error)
            }
            "emnify_response_check" => {
                let status = emnify_response_check(response, error_out);
                internal(status, out_error)
            }
            "emnify_send_sms" => {
                let status = emnify_send_sms(client, 1, text, &raw mut id, error_out);
                internal(status, out_error) && id == 0
            }
            "emnify_submit_mfa_code" => {
                let (code, to) = (c"012345".as_ptr(), &raw mut out_text);
                let status = emnify_submit_mfa_code(client, code, text, to, error_out);
                internal(status, out_error) && out_text.is_null()
            }
            "emnify_workspace" => {
                let status = emnify_workspace(client, 7002, &raw mut out_client, error_out);
                internal(status, out_error) && out_client.is_null()
            }
            "emnify_application_token_create" => {
                let (to, ids) = (&raw mut out_text, &raw mut id);
                let status = emnify_application_token_create(
                    client,
                    text,
                    null(),
                    null(),
                    to,
                    ids,
                    error_out,
                );
                internal(status, out_error) && out_text.is_null() && id == 0
            }
            "emnify_application_token_list" => {
                let status = emnify_application_token_list(client, &raw mut out_tokens, error_out);
                internal(status, out_error) && out_tokens.is_null()
            }
            "emnify_application_token_describe" => {
                let status = emnify_application_token_describe(client, 1, text, error_out);
                internal(status, out_error)
            }
            "emnify_application_token_revoke" => {
                let status = emnify_application_token_revoke(client, 1, error_out);
                internal(status, out_error)
            }
            "emnify_application_token_rotate" => {
                let (ids, old) = (&raw mut id, &raw mut revoked);
                let status = emnify_application_token_rotate(
                    client,
                    1,
                    text,
                    null(),
                    null(),
                    Some(keep),
                    null_mut(),
                    ids,
                    old,
                    error_out,
                );
                internal(status, out_error) && (id, revoked) == (0, 0)
            }
            "emnify_invalidate" => emnify_invalidate(client, text) == EMNIFY_ERROR_INTERNAL,
            "emnify_reset" => emnify_reset(client) == EMNIFY_ERROR_INTERNAL,
            "emnify_cancel" => emnify_cancel(client) == EMNIFY_ERROR_INTERNAL,
            "emnify_resume" => emnify_resume(client) == EMNIFY_ERROR_INTERNAL,
            "emnify_error_status" => emnify_error_status(error) == EMNIFY_OK,
            "emnify_error_message" => text_at(emnify_error_message(error)).is_empty(),
            "emnify_error_request_id" => text_at(emnify_error_request_id(error)).is_empty(),
            "emnify_error_http_status" => emnify_error_http_status(error) == 0,
            "emnify_error_service_code" => emnify_error_service_code(error) == 0,
            "emnify_error_is_retryable" => emnify_error_is_retryable(error) == 0,
            "emnify_error_retry_after_s" => emnify_error_retry_after_s(error) == 0,
            "emnify_response_http_status" => emnify_response_http_status(response) == 0,
            "emnify_response_total_pages" => emnify_response_total_pages(response) == 0,
            "emnify_response_header" => {
                emnify_response_header(response, c"Content-Type".as_ptr()).is_null()
            }
            "emnify_response_body" => {
                let body = emnify_response_body(response, &raw mut length);
                text_at(body).is_empty() && length == 0
            }
            "emnify_application_tokens_count" => {
                emnify_application_tokens_count(application_tokens) == 0
            }
            "emnify_application_tokens_find_by_id" => {
                emnify_application_tokens_find_by_id(application_tokens, 1) == 0
            }
            "emnify_application_tokens_find_by_description" => {
                emnify_application_tokens_find_by_description(application_tokens, text) == 0
            }
            "emnify_application_tokens_id" => {
                emnify_application_tokens_id(application_tokens, 0) == 0
            }
            "emnify_application_tokens_description" => {
                text_at(emnify_application_tokens_description(application_tokens, 0)).is_empty()
            }
            "emnify_application_tokens_created" => {
                text_at(emnify_application_tokens_created(application_tokens, 0)).is_empty()
            }
            "emnify_application_tokens_expiry_date" => {
                text_at(emnify_application_tokens_expiry_date(application_tokens, 0)).is_empty()
            }
            "emnify_application_tokens_ip_range" => {
                text_at(emnify_application_tokens_ip_range(application_tokens, 0)).is_empty()
            }
            "emnify_application_tokens_is_revoked" => {
                emnify_application_tokens_is_revoked(application_tokens, 0) == 0
            }
            "emnify_json_quote" => emnify_json_quote(text).is_null(),
            "emnify_url_escape" => emnify_url_escape(text).is_null(),
            "emnify_free" => {
                emnify_free(response.cast());
                true
            }
            // These do no work: they return a constant.
            "emnify_version" => !emnify_version().is_null(),
            "emnify_version_number" => emnify_version_number() == EMNIFY_VERSION_NUMBER,
            "emnify_status_name" => text_at(emnify_status_name(EMNIFY_OK)) == c"EMNIFY_OK",
            _ => panic!("{name} is exported, but missing here"),
        }
    }
}

#[test]
fn a_panic_in_any_function_becomes_an_answer_and_the_process_lives() {
    let alive = Alive::new();
    for name in include_str!("../../tests/symbols.txt").lines() {
        let kept_its_promise = with_a_panic(name, &alive);
        PANIC.set(false);
        assert!(kept_its_promise, "{name}");
    }
    // And the objects live, too.
    let (mut token, mut response) = (null_mut(), null_mut());
    // SAFETY: the client is alive and the out parameters are local variables.
    unsafe {
        assert_eq!(emnify_auth_token(alive.client, &raw mut token, null_mut()), EMNIFY_OK);
        assert_eq!(get(alive.client, &raw mut response, null_mut()), EMNIFY_OK);
    }
    assert_eq!(emnify_response_http_status(alive.response), 200);
    assert_ne!(emnify_application_tokens_count(alive.application_tokens), 0);
    assert_eq!(emnify_error_status(alive.error), EMNIFY_ERROR_INVALID_ARGUMENT);
    emnify_free(token.cast::<c_void>());
    emnify_free(response.cast());
}

#[test]
fn a_program_may_keep_as_many_texts_as_it_likes_and_release_each_from_any_thread() {
    // Far more than there is room for before locks are needed.
    let texts: Vec<usize> = (0..5000)
        .map(|number| {
            let number = CString::new(number.to_string()).unwrap();
            // SAFETY: the text ends in a NUL.
            unsafe { emnify_url_escape(number.as_ptr()) as usize }
        })
        .collect();
    for (number, &text) in texts.iter().enumerate() {
        assert_eq!(text_at(text as *const c_char).to_str(), Ok(&*number.to_string()));
    }
    std::thread::scope(|threads| {
        for _ in 0..2 {
            // Each of them twice: the second time nothing happens.
            threads.spawn(|| texts.iter().for_each(|&text| emnify_free(text as *mut c_void)));
        }
    });
}

/// `tests/c/abi.c` asserts the same in C.
#[test]
fn the_config_is_laid_out_as_in_c() {
    let pointer = size_of::<*const c_void>();
    assert_eq!(offset_of!(emnify_config, struct_size), 0);
    assert_eq!(offset_of!(emnify_config, application_token), pointer);
    assert_eq!(offset_of!(emnify_config, base_url), 7 * pointer);
    assert_eq!(offset_of!(emnify_config, user_agent), 12 * pointer);
    assert_eq!(offset_of!(emnify_config, connect_timeout_ms), 13 * pointer);
    assert_eq!(offset_of!(emnify_config, log_level), 13 * pointer + 20);
    assert_eq!(offset_of!(emnify_config, log), 13 * pointer + 24);
    assert_eq!(offset_of!(emnify_config, log_context), 14 * pointer + 24);
    assert_eq!(size_of::<emnify_config>(), 15 * pointer + 24);
    assert_eq!(size_of::<emnify_log_fn>(), pointer);
    assert_eq!(size_of::<emnify_status>(), 4);
}
